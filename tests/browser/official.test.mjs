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

// The packages look up a chain's base by themselves; the schema of its search does not list it.
const BESIDES = { 'ds.chain': ['extend'] };

test('every option of panels, inputs and searches is one of the official schema', async () => {
    const view = await OpenedView.open(browser, names[0]);
    const known = await view.page.evaluate(() => window.__options);
    await view.close();
    for (const name of names) {
        const { visualizations, inputs, dataSources } = await OpenedView.definition(name);
        for (const [id, one] of Object.entries({ ...visualizations, ...inputs, ...dataSources })) {
            const options = [...(known[one.type] ?? []), ...(BESIDES[one.type] ?? [])];
            assert.notDeepEqual(options, [], `${name}: ${id} is a ${one.type}, which has no schema`);
            for (const option of Object.keys(one.options)) {
                assert.ok(options.includes(option), `${name}: ${id} has the option ${option}`);
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
