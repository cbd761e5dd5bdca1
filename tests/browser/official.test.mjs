// The official packages know what our views use, and refuse what they do not know.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenedView, launched, views } from './opened_view.mjs';

const names = await views();
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

test('every option of every panel is one of the official schema', async () => {
    const view = await OpenedView.open(browser, names[0]);
    const known = await view.page.evaluate(() => window.__options);
    await view.close();
    for (const name of names) {
        const { panels } = new OpenedView(name, await OpenedView.definition(name), null, []);
        for (const panel of panels) {
            assert.ok(known[panel.type]?.length > 0, `${panel.type} has no schema`);
            for (const option of Object.keys(panel.options)) {
                assert.ok(known[panel.type].includes(option), `${name} ${panel.id}: ${option}`);
            }
        }
    }
});

test('the official validator finds nothing in our views, and a planted fault', async () => {
    const view = await OpenedView.open(browser, names[0]);
    const errors = (definition) =>
        view.page.evaluate((one) => window.__validate(one).map(String), definition);
    for (const name of names) {
        const definition = await OpenedView.definition(name);
        assert.deepEqual(await errors(definition), [], name);
        const [panel] = Object.values(definition.visualizations);
        panel.type = 'splunk.nothing';
        assert.notDeepEqual(await errors(definition), [], `${name} with a planted fault`);
    }
    await view.close();
});
