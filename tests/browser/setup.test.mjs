// The setup page, clicked through in front of the real handlers, access check and inputs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { launched } from './opened_view.mjs';

const URL_OF_PAGE = process.env.SETUP_PAGE;
const SHOTS = process.env.PREVIEW_SHOTS;
const fromWeb = createRequire(new URL('../../web/', import.meta.url));
const AXE = await readFile(fromWeb.resolve('axe-core/axe.min.js'), 'utf8');
const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const INPUT = '111122223333-us-east-1';
const PAINT_LIMIT_MS = 1500;

let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());
beforeEach(() => control({ reset: true }));

async function control(wanted) {
    const response = await fetch(new URL('/test', URL_OF_PAGE), { method: 'POST', body: JSON.stringify(wanted) });
    return response.json();
}

// The page in a browser of its own: nothing is remembered from another test.
class Setup {
    static async open({ theme = 'light', width = 1280, context } = {}) {
        await control({ theme });
        const own = context ?? (await browser.context.browser().newContext({ timezoneId: 'UTC', reducedMotion: 'reduce' }));
        const page = await own.newPage();
        page.setDefaultTimeout(8_000);
        await page.setViewportSize({ width, height: 1000 });
        const setup = new Setup(own, page);
        page.on('pageerror', (error) => setup.complaints.push(`page error: ${error}`));
        page.on('request', (request) => {
            const url = new URL(request.url());
            if (url.origin !== new URL(URL_OF_PAGE).origin && !['data:', 'blob:'].includes(url.protocol)) {
                setup.complaints.push(`request to ${url}`);
            }
        });
        await page.goto(URL_OF_PAGE);
        await page.locator('h1').waitFor();
        return setup;
    }

    constructor(context, page) {
        Object.assign(this, { context, page, complaints: [] });
    }

    async close() {
        assert.deepEqual(this.complaints, []);
        await this.context.close();
    }

    button(name, exact = true) {
        return this.page.getByRole('button', { name, exact });
    }

    field(label) {
        return this.page.getByLabel(label, { exact: true });
    }

    get dialog() {
        return this.page.getByRole('dialog');
    }

    async test() {
        await this.button('Test').click();
        await this.page.locator('[data-test-name="examined"], [role="alert"]').first().waitFor({ timeout: 25_000 });
    }

    async inputs() {
        await this.page.getByRole('tab', { name: '2. Inputs' }).click();
        await this.page.getByRole('heading', { name: 'Inputs of this host' }).waitFor();
    }

    async failure() {
        const alert = this.page.locator('[data-test-name="failure"]').first();
        await alert.waitFor({ timeout: 25_000 });
        return alert.innerText();
    }

    // The row of an input in the table.
    row(name) {
        return this.page.getByRole('group', { name: 'Inputs', exact: true }).getByRole('row').filter({ hasText: name });
    }

    async region(name) {
        const box = this.page.getByRole('combobox', { name: 'Region' }).first();
        await box.fill(name);
        await box.press('Tab');
    }

    // Creates the input that is suggested for the log groups of us-east-1.
    async createSuggested() {
        await this.inputs();
        await this.button('Find log groups').click();
        await this.button(`Create the input ${INPUT}`).click({ timeout: 25_000 });
        await this.dialog.waitFor();
        await this.dialog.getByRole('button', { name: 'Create' }).click();
        await this.dialog.waitFor({ state: 'detached', timeout: 25_000 });
        await this.row(INPUT).waitFor();
    }

    async accessible(what) {
        await this.page.evaluate(`(function (define, module, exports) {${AXE}}).call(window)`);
        // While a dialog fades in, its texts have less contrast.
        await this.page.waitForTimeout(700);
        const { violations } = await this.page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
        const told = violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' | ')}`);
        assert.deepEqual(told, [], what);
    }

    async shot(name) {
        await this.page.screenshot({ path: `${SHOTS}/cloudhsm_setup_${name}.png`, fullPage: true });
    }
}

describe('looks', () => {
    for (const theme of ['light', 'dark']) {
        for (const width of [1280, 1920]) {
            test(`every step in the ${theme} theme at ${width}: accessible, no overflow`, async () => {
                const setup = await Setup.open({ theme, width });
                const name = `${theme}-${width}`;
                await setup.button('Network path: proxy, certificates, endpoints').click();
                await setup.field('Proxy').fill('');
                await setup.test();
                await setup.accessible(`access ${name}`);
                await setup.shot(`access-${name}`);
                await setup.createSuggested();
                await control({ run: true });
                await setup.button('Refresh status').click();
                await setup.row(INPUT).getByText('last heartbeat less than a minute ago').waitFor();
                await setup.button('Find log groups').click();
                await setup.page.getByRole('cell', { name: INPUT }).last().waitFor();
                await setup.accessible(`inputs ${name}`);
                await setup.shot(`inputs-${name}`);
                await setup.button(`Change ${INPUT}`).click();
                await setup.dialog.waitFor();
                await setup.accessible(`dialog ${name}`);
                await setup.shot(`dialog-${name}`);
                const wide = await setup.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
                assert.ok(wide <= 0, `the page is ${wide} px too wide`);
                const background = await setup.page.locator('main').evaluate((one) => getComputedStyle(one).backgroundColor);
                const [red] = background.match(/\d+/g).map(Number);
                assert.equal(red < 128, theme === 'dark', background);
                await setup.close();
            });
        }
    }

    test('the first paint is in time', async () => {
        const setup = await Setup.open();
        const [paint] = await setup.page.evaluate(() => performance.getEntriesByName('first-contentful-paint').map((one) => one.startTime));
        const shown = await setup.page.evaluate(() => performance.now());
        assert.ok(paint < PAINT_LIMIT_MS, `${paint} ms`);
        assert.ok(shown < 3 * PAINT_LIMIT_MS, `${shown} ms`);
        await setup.close();
    });

    test('the keyboard alone tests access and leaves a dialog', async () => {
        const setup = await Setup.open();
        await setup.button('Test').focus();
        await setup.page.keyboard.press('Enter');
        await setup.page.locator('[data-test-name="examined"]').waitFor({ timeout: 25_000 });
        await setup.page.getByText("AWS keys in Splunk's password storage").click();
        await setup.button('Add keys').focus();
        await setup.page.keyboard.press('Enter');
        await setup.dialog.waitFor();
        await setup.page.keyboard.press('Escape');
        await setup.dialog.waitFor({ state: 'detached' });
        await setup.close();
    });
});

describe('from an empty installation to records', () => {
    test('access is tested, an input is created for what was found, and it collects', async () => {
        const setup = await Setup.open();
        await setup.test();
        const text = await setup.page.locator('[data-test-name="examined"]').innerText();
        assert.match(text, /111122223333/);
        assert.match(text, /365 days/);
        assert.match(text, /Never expires/);
        await setup.button('Continue to inputs').click();
        await setup.button('Find log groups').click();
        await setup.button(`Create the input ${INPUT}`).click({ timeout: 25_000 });
        await setup.dialog.getByLabel('Collect records from', { exact: true }).fill('-2d');
        assert.match(await setup.dialog.locator('[data-test-name="conf"]').innerText(), /\[aws_cloudhsm:\/\/111122223333-us-east-1\]\s+aws_region = us-east-1\s+start_time = -2d/);
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        await setup.row(INPUT).waitFor({ timeout: 25_000 });
        const { events, log, inputs } = await control({ run: true });
        assert.ok(events > 400, log);
        assert.deepEqual(inputs[INPUT], { aws_region: 'us-east-1', start_time: '-2d', disabled: '0' });
        await setup.button('Refresh status').click();
        await setup.row(INPUT).getByText('2 log groups').waitFor();
        await setup.button('Find log groups').click();
        await setup.page.getByText('All of them are collected').waitFor();
        await setup.close();
    });

    test('skipping ends the redirect and leads to the dashboards', async () => {
        const setup = await Setup.open();
        await setup.button('Finish, or skip the rest').click();
        await setup.page.waitForURL('**/cloudhsm_overview');
        assert.ok((await control({})).configured);
        await setup.close();
    });

    test('what was typed is there again after the page was left, but no secret', async () => {
        const setup = await Setup.open();
        await setup.region('eu-west-1');
        await setup.button('Role to assume, for example in another account').click();
        await setup.field('ARN of the role').fill('arn:aws:iam::111122223333:role/reader');
        await setup.field('External ID').fill('the-external-id');
        await setup.page.reload();
        await setup.page.locator('h1').waitFor();
        assert.equal(await setup.page.getByRole('combobox', { name: 'Region' }).inputValue(), 'eu-west-1');
        assert.equal(await setup.field('ARN of the role').inputValue(), 'arn:aws:iam::111122223333:role/reader');
        assert.equal(await setup.field('External ID').inputValue(), '');
        const kept = await setup.page.evaluate(() => JSON.stringify(window.localStorage));
        assert.doesNotMatch(kept, /the-external-id/);
        await setup.close();
    });
});

describe('credentials', () => {
    async function addKeys(setup, name, secret = SECRET) {
        await setup.page.getByText("AWS keys in Splunk's password storage").click();
        await setup.button('Add keys').click();
        await setup.dialog.getByLabel('Name', { exact: true }).fill(name);
        await setup.dialog.getByLabel('Access key ID', { exact: true }).fill(KEY_ID);
        await setup.dialog.getByLabel('Secret access key', { exact: true }).fill(secret);
        await setup.dialog.getByRole('button', { name: 'Store' }).click();
    }

    test('keys go into the password storage, are chosen, tested and named by the input', async () => {
        const setup = await Setup.open();
        await addKeys(setup, 'prod');
        await setup.page.getByText('prod (key ID ends in MPLE)').waitFor();
        await setup.test();
        await setup.createSuggested();
        const { inputs, passwords } = await control({});
        assert.deepEqual(passwords, [['TA-aws-cloudhsm', 'prod', `${KEY_ID}:${SECRET}`]]);
        assert.equal(inputs[INPUT].aws_credential, 'prod');
        const everything = await setup.page.evaluate(() => document.documentElement.outerHTML + JSON.stringify(window.localStorage));
        assert.ok(!everything.includes(SECRET) && !everything.includes(SECRET.slice(0, 12)));
        assert.ok(!JSON.stringify(inputs).includes(SECRET));
        await setup.close();
    });

    test('wrong keys are reported with what to do', async () => {
        await control({ expired_key: KEY_ID, passwords: [{ realm: 'TA-aws-cloudhsm', name: 'old', password: `${KEY_ID}:${SECRET}` }] });
        const setup = await Setup.open();
        await setup.page.getByText("AWS keys in Splunk's password storage").click();
        await setup.page.getByRole('button', { name: 'AWS keys' }).or(setup.page.getByRole('combobox', { name: 'AWS keys' })).first().click();
        await setup.page.getByRole('option', { name: /^old/ }).click();
        await setup.button('Test').click();
        assert.match(await setup.failure(), /have expired[\s\S]*Renew them/);
        await setup.close();
    });

    test('a name that exists, and a key that is none, are errors of their fields', async () => {
        await control({ passwords: [{ realm: 'TA-aws-cloudhsm', name: 'prod', password: 'AKIAAAAAAAAAAAAAAAAA:theirs-theirs-theirs' }] });
        const setup = await Setup.open();
        await addKeys(setup, 'prod');
        await setup.dialog.getByText('There is a credential').waitFor();
        await setup.dialog.getByLabel('Name', { exact: true }).fill('other');
        await setup.dialog.getByLabel('Access key ID', { exact: true }).fill('nonsense');
        await setup.dialog.getByRole('button', { name: 'Store' }).click();
        await setup.dialog.getByText('aws_access_key_id is not an access key ID').waitFor();
        assert.equal((await control({})).passwords.length, 1);
        await setup.close();
    });
});

describe('bad input and faults', () => {
    test('a denied action shows the statement to add', async () => {
        await control({ denied: ['FilterLogEvents'] });
        const setup = await Setup.open();
        await setup.test();
        assert.match(await setup.failure(), /logs:FilterLogEvents/);
        const permissions = await setup.page.getByRole('group', { name: 'Permissions' }).innerText();
        assert.match(permissions, /Denied/);
        assert.match(permissions, /"Effect":"Allow","Action":"logs:FilterLogEvents"/);
        await setup.close();
    });

    test('an unknown Region and a proxy that cannot be reached are reported where they are', async () => {
        const setup = await Setup.open();
        await setup.region('US East');
        await setup.button('Test').click();
        await setup.page.getByText("'US East' is not the name of an AWS Region").waitFor();
        await setup.region('us-east-1');
        await setup.button('Network path: proxy, certificates, endpoints').click();
        await setup.field('Proxy').fill('proxy.example');
        await setup.button('Test').click();
        await setup.page.getByText('proxy_url is not the URL of a proxy').waitFor();
        await setup.field('Proxy').fill('http://127.0.0.1:9');
        await setup.field('Endpoint of CloudWatch Logs').fill('https://logs.us-east-1.amazonaws.com');
        await setup.test();
        assert.match(await setup.failure(), /proxy cannot be reached/);
        await setup.close();
    });

    test('an input name that exists is refused before and after it is sent', async () => {
        await control({ inputs: { taken: { aws_region: 'us-east-1' } } });
        const setup = await Setup.open();
        await setup.inputs();
        await setup.row('taken').waitFor();
        await setup.button('New input').click();
        await setup.dialog.getByLabel('Name', { exact: true }).fill('Taken');
        await setup.dialog.getByText('An input with this name exists').waitFor();
        assert.ok(await setup.dialog.getByRole('button', { name: 'Create' }).isDisabled());
        await setup.dialog.getByLabel('Name', { exact: true }).fill('late');
        await control({ inputs: { late: { aws_region: 'eu-west-1' } } });
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        assert.match(await setup.failure(), /already exists/);
        assert.equal(await setup.dialog.getByLabel('Name', { exact: true }).inputValue(), 'late');
        await setup.close();
    });

    test('splunkd refuses an input that the add-on refuses, and what was typed stays', async () => {
        const setup = await Setup.open();
        await setup.inputs();
        await setup.button('New input').click();
        await setup.dialog.getByLabel('Name', { exact: true }).fill('prod');
        await setup.dialog.getByLabel('Collect records from', { exact: true }).fill('yesterday');
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        assert.match(await setup.failure(), /'yesterday' is not an instant/);
        assert.equal(await setup.dialog.getByLabel('Collect records from', { exact: true }).inputValue(), 'yesterday');
        assert.deepEqual((await control({})).inputs, {});
        await setup.close();
    });

    test('of two people who change an input, the second reads what the first did', async () => {
        await control({ inputs: { prod: { aws_region: 'us-east-1', start_time: '-30d' } } });
        const first = await Setup.open();
        const second = await Setup.open();
        for (const setup of [first, second]) {
            await setup.inputs();
            await setup.button('Change prod').click();
            await setup.dialog.getByLabel('Collect records from', { exact: true }).fill(setup === first ? '-7d' : '-1d');
        }
        await first.dialog.getByRole('button', { name: 'Save' }).click();
        await first.dialog.waitFor({ state: 'detached', timeout: 25_000 });
        await second.dialog.getByRole('button', { name: 'Save' }).click();
        assert.match(await second.failure(), /Somebody else changed this input: .*-7d/);
        assert.equal((await control({})).inputs.prod.start_time, '-7d');
        await first.close();
        await second.close();
    });

    test('without the capabilities the page says which are missing and leads to the dashboards', async () => {
        await control({ capabilities: ['search'] });
        const setup = await Setup.open();
        assert.match(await setup.failure(), /edit_modinput_aws_cloudhsm/);
        await setup.page.getByRole('link', { name: 'Dashboards' }).click();
        await setup.page.waitForURL('**/cloudhsm_overview');
        await setup.close();
    });

    test('a session that ends partway loses nothing that was typed', async () => {
        const setup = await Setup.open();
        await setup.inputs();
        await setup.button('New input').click();
        await setup.dialog.getByLabel('Name', { exact: true }).fill('prod');
        await control({ logged_out: true });
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        assert.match(await setup.failure(), /session has ended[\s\S]*another tab/);
        await control({ logged_out: false });
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        await setup.dialog.waitFor({ state: 'detached', timeout: 25_000 });
        await setup.row('prod').waitFor();
        await setup.close();
    });

    for (const [status, expected] of [
        [404, /fault 404|does not know this address/],
        [500, /fault 500/],
        [503, /fault 503/],
    ]) {
        test(`HTTP status ${status} of a handler is shown`, async () => {
            const setup = await Setup.open();
            await control({ faults: { 'cloudhsm/check': status } });
            await setup.button('Test').click();
            assert.match(await setup.failure(), expected);
            await control({ faults: {} });
            await setup.test();
            await setup.page.getByText('AWS can be reached').waitFor({ timeout: 25_000 });
            await setup.close();
        });
    }

    test('while splunkd is slow, a button cannot be pressed twice', async () => {
        const setup = await Setup.open();
        await control({ delay_s: 1.5 });
        await setup.button('Test').click();
        assert.ok(await setup.button('Testing, up to 15 seconds', false).isDisabled());
        await control({ delay_s: 0 });
        await setup.page.locator('[data-test-name="examined"]').waitFor({ timeout: 25_000 });
        const { seen } = await control({});
        assert.equal(seen.filter(([, path]) => path === 'cloudhsm/check').length, 1);
        await setup.close();
    });

    test('hostile names are text', async () => {
        const name = '<img src=x onerror=alert(1)> "\' \u202e$x$';
        await control({ inputs: { [name]: { aws_region: '<b>us</b>', index: '{{7*7}}', log_groups: '/a' } } });
        const setup = await Setup.open();
        await setup.inputs();
        await setup.page.getByRole('cell', { name: '<b>us</b>' }).waitFor();
        assert.equal(await setup.page.locator('td img, td b').count(), 0);
        await setup.page.getByRole('button', { name: 'Delete <img' }).click();
        await setup.dialog.getByRole('button', { name: 'Delete' }).last().click();
        await setup.page.getByText('There is no input yet').waitFor();
        assert.deepEqual((await control({})).inputs, {});
        await setup.close();
    });
});

describe('inputs', () => {
    test('are turned off and on, copied, changed and deleted', async () => {
        const setup = await Setup.open();
        await setup.createSuggested();
        const toggle = setup.row(INPUT).locator('[role="switch"], [role="checkbox"], input[type="checkbox"]').first();
        await toggle.click();
        await setup.row(INPUT).getByText('is Off').waitFor({ state: 'attached' });
        assert.equal((await control({})).inputs[INPUT].disabled, '1');
        await toggle.click();
        await setup.row(INPUT).getByText('is On').waitFor({ state: 'attached' });
        await setup.button(`Copy ${INPUT}`).click();
        await setup.dialog.getByRole('button', { name: 'Create' }).click();
        await setup.row(`${INPUT}-copy`).waitFor({ timeout: 25_000 });
        await setup.button(`Change ${INPUT}-copy`).click();
        await setup.dialog.getByLabel('Seconds between runs', { exact: true }).fill('300');
        await setup.dialog.getByRole('button', { name: 'Save' }).click();
        await setup.dialog.waitFor({ state: 'detached', timeout: 25_000 });
        assert.equal((await control({})).inputs[`${INPUT}-copy`].interval, '300');
        await setup.button(`Delete ${INPUT}-copy`).click();
        await setup.dialog.getByRole('button', { name: 'Delete' }).last().click();
        await setup.dialog.waitFor({ state: 'detached', timeout: 25_000 });
        assert.deepEqual(Object.keys((await control({})).inputs), [INPUT]);
        await setup.close();
    });

    test('a failing input shows what fails', async () => {
        const setup = await Setup.open();
        await setup.createSuggested();
        await control({ denied: ['FilterLogEvents'] });
        await control({ run: true });
        await setup.button('Refresh status').click();
        await setup.row(INPUT).getByText('AccessDenied since').first().waitFor();
        await setup.close();
    });
});
