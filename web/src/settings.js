// The settings of an input, as the page keeps them and as inputs.conf has them.

// README/inputs.conf.spec lists all Regions' form; these are CloudHSM's, 2026.
export const REGIONS = [
    'af-south-1', 'ap-east-1', 'ap-northeast-1', 'ap-northeast-2', 'ap-northeast-3', 'ap-south-1', 'ap-south-2',
    'ap-southeast-1', 'ap-southeast-2', 'ap-southeast-3', 'ap-southeast-4', 'ap-southeast-5', 'ca-central-1', 'ca-west-1',
    'eu-central-1', 'eu-central-2', 'eu-north-1', 'eu-south-1', 'eu-south-2', 'eu-west-1', 'eu-west-2', 'eu-west-3',
    'il-central-1', 'me-central-1', 'me-south-1', 'sa-east-1', 'us-east-1', 'us-east-2', 'us-gov-east-1', 'us-gov-west-1',
    'us-west-1', 'us-west-2',
];

export const NETWORK = ['proxy_url', 'proxy_credential', 'ca_bundle', 'endpoint_url', 'sts_endpoint_url'];
export const ROLE = ['role_arn', 'external_id', 'role_session_name'];
export const ACCESS = ['aws_region', 'aws_credential', 'aws_profile', ...ROLE, ...NETWORK, 'log_groups'];

export const EMPTY = { ...Object.fromEntries(ACCESS.map((name) => [name, ''])), identity: 'host', aws_region: 'us-east-1' };

// The settings that the chosen kind of identity needs; what is empty is left out.
export function stanza(access) {
    const kept = ACCESS.filter((name) => access[name].trim());
    const unused = { host: ['aws_credential', 'aws_profile'], keys: ['aws_profile'], profile: ['aws_credential'] }[access.identity];
    const settings = kept.filter((name) => !unused.includes(name)).map((name) => [name, access[name].trim()]);
    const role = settings.some(([name]) => name === 'role_arn');
    return Object.fromEntries(settings.filter(([name]) => role || !ROLE.includes(name)));
}

// What to write into inputs.conf instead of using this page. A line break in a value ends no stanza here.
export function conf(name, settings) {
    const lines = Object.entries(settings).filter(([, value]) => value);
    const text = lines.map(([key, value]) => `${key} = ${String(value).replace(/\s*\n\s*/g, ' ')}`);
    return [`[aws_cloudhsm://${name || 'NAME'}]`, ...text].join('\n');
}

const STORE = 'cloudhsm_setup';

// What was typed and is no secret, so that a person can go on later in the same browser.
export function remembered() {
    try {
        const draft = JSON.parse(window.localStorage.getItem(STORE)) ?? {};
        const access = { ...EMPTY };
        for (const name of Object.keys(EMPTY)) {
            if (typeof draft.access?.[name] === 'string' && name !== 'external_id') {
                access[name] = draft.access[name];
            }
        }
        return { access, step: typeof draft.step === 'string' ? draft.step : 'access' };
    } catch {
        return { access: { ...EMPTY }, step: 'access' };
    }
}

export function remember(access, step) {
    const shared = { ...access, external_id: '' };
    shared.proxy_url = shared.proxy_url.includes('@') ? '' : shared.proxy_url;
    try {
        window.localStorage.setItem(STORE, JSON.stringify({ access: shared, step }));
    } catch {
        // A browser that keeps nothing: the page works, and starts from the beginning next time.
    }
}
