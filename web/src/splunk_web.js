// Requests through Splunk Web to splunkd, with errors that name the next step.

export const APP = 'TA-aws-cloudhsm';
// Saving an input makes splunkd check it, which takes up to 15 s; splunkd's own limit is 30 s.
const LIMIT_MS = 45_000;

// What is before /app/ in the page's address: a root endpoint, if there is one, and the locale.
export function prefix() {
    return window.location.pathname.split('/app/')[0];
}

export const viewUrl = (view) => `${prefix()}/app/${APP}/${view}`;

// Splunk Web names the cookie after its own port, which a proxy may hide.
function formKey() {
    const cookies = document.cookie.split(/;\s*/).map((one) => one.split('='));
    const keys = cookies.filter(([name]) => name.startsWith('splunkweb_csrf_token_'));
    const port = window.location.port || (window.location.protocol === 'https:' ? '443' : '80');
    const own = keys.find(([name]) => name.endsWith(`_${port}`)) ?? keys[0];
    return own ? decodeURIComponent(own[1]) : '';
}

// status: of HTTP, 0 where there was no response. setting: which one is concerned, if any.
export class RequestFailed extends Error {
    constructor(status, what, nextStep = '', setting = undefined) {
        super(what);
        this.status = status;
        this.nextStep = nextStep;
        this.setting = setting;
    }
}

const OF_STATUS = {
    0: ['Splunk Web does not respond', 'Check that Splunk is running, then try again. Nothing that you typed is lost.'],
    401: ['Your session has ended', 'Log in to Splunk in another tab, then try again here. Nothing that you typed is lost.'],
    403: ['You do not have the capability for this', 'Ask an administrator for edit_modinput_aws_cloudhsm and list_storage_passwords. The dashboards need neither.'],
    404: ['Splunk does not know this address', 'After the installation or an upgrade, restart Splunk. If the entry was deleted by somebody else, load the page again.'],
};

function failed(status, document) {
    const { error } = document;
    if (error) {
        return new RequestFailed(status, error.what, error.next_step, error.where?.setting);
    }
    const text = (document.messages ?? []).map((one) => one.text).filter(Boolean).join(' ');
    const [what, nextStep] = OF_STATUS[status] ?? [`Splunk responded with HTTP status ${status}`, 'Try again. If it persists, see splunkd.log.'];
    return text && ![401, 403].includes(status) ? new RequestFailed(status, text) : new RequestFailed(status, what, nextStep);
}

async function parsed(response) {
    // Splunk Web sends a page for people, with status 200, where the session has ended.
    const text = await response.text();
    try {
        return text ? JSON.parse(text) : {};
    } catch {
        throw failed(response.redirected || response.ok ? 401 : response.status, {});
    }
}

// body: an object; `form` sends it as splunkd's own endpoints take it, otherwise it is JSON.
async function send(method, path, body, { form = false, app = APP } = {}) {
    const [address, query] = path.split('?');
    const parameters = new URLSearchParams(query);
    parameters.set('output_mode', 'json');
    const url = `${prefix()}/splunkd/__raw/servicesNS/nobody/${app}/${address}?${parameters}`;
    const headers = { 'X-Splunk-Form-Key': formKey(), 'X-Requested-With': 'XMLHttpRequest' };
    const request = { method, headers, credentials: 'same-origin' };
    if (body !== undefined) {
        headers['Content-Type'] = form ? 'application/x-www-form-urlencoded' : 'application/json';
        request.body = form ? new URLSearchParams(body).toString() : JSON.stringify(body);
    }
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT_MS);
    let response;
    try {
        response = await fetch(url, { ...request, signal: limit.signal });
    } catch {
        throw failed(0, {});
    } finally {
        clearTimeout(timer);
    }
    const document = await parsed(response);
    if (!response.ok) {
        throw failed(response.status, document);
    }
    return document;
}

export const get = (path, options) => send('GET', path, undefined, options);
export const ask = (path, body) => send('POST', path, body);
export const remove = (path, body, options) => send('DELETE', path, body, options);
export const post = (path, body, options) => send('POST', path, body, { ...options, form: true });
