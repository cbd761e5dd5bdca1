// Inputs run the searches again, with what was chosen in them, quoted.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OpenedView, launched, views } from './opened_view.mjs';

const names = await views();
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

const bases = (searches) => searches.map((one) => one.queries[0]);

// Would be SPL of its own if it were not quoted.
const TYPED = 'x" OR "1"="1';
const CHOICE = {
    'input.dropdown': {
        choose: (view, id) => view.choose(id, 1),
        compared: (quoted) => `=${quoted}`,
        leave: (view, id) => view.choose(id, 0),
    },
    'input.text': {
        choose: (view, id) => view.type(id, TYPED),
        compared: (quoted) => `(${quoted}="*" OR `,
        leave: (view, id) => view.type(id, '*'),
    },
};

describe('inputs', { concurrency: 2 }, () => {
    for (const name of names) {
        test(`${name}: what is chosen is compared in the searches`, async () => {
            const view = await OpenedView.open(browser, name);
            for (const [id, input] of Object.entries(view.definition.inputs)) {
                const type = CHOICE[input.type];
                if (type === undefined) {
                    continue; // the time range has a test of its own
                }
                const before = (await view.searches()).length;
                const value = await type.choose(view, id);
                assert.notEqual(value, '*', `${id} has nothing to choose`);
                assert.equal((await view.tokens())[input.options.token], value);
                const all = (await view.searches()).slice(before).flatMap((one) => one.queries);
                assert.ok(
                    all.some((query) => query.includes(type.compared(JSON.stringify(value)))),
                    `${id}: no search compares with ${value}`
                );
                await view.isWell();
                await type.leave(view, id);
            }
            await view.close();
        });
    }

    test('a time range changes the times of every search that has none of its own', async () => {
        const view = await OpenedView.open(browser, 'cloudhsm_overview');
        const before = (await view.searches()).length;
        await view.page.locator('[data-test="time-range-dropdown"]').click();
        await view.page.locator('[data-test="Last 24 hours"]').click();
        await view.settled();
        const ran = (await view.searches()).slice(before);
        assert.ok(ran.length > 5);
        assert.deepEqual(new Set(ran.map((one) => one.earliest)), new Set(['-24h@h']));
        await view.isWell();
        await view.close();
    });

    test('an address opens a view with what it says', async () => {
        const form = { cluster: 'cluster-x" OR "1"="1', 'global_time.earliest': '-1d', 'global_time.latest': 'now' };
        const view = await OpenedView.open(browser, 'cloudhsm_overview', { form });
        assert.equal((await view.tokens()).cluster, form.cluster);
        const asked = bases(await view.searches()).find((query) => query.includes('cluster-x'));
        assert.ok(asked.includes('cluster_id="cluster-x\\" OR \\"1\\"=\\"1"'), asked);
        assert.equal(await view.element('viz_failures').locator('[data-test="majorValue"]').innerText(), '0');
        await view.close();
    });

    test('the other theme shows the same view with what was chosen', async () => {
        const view = await OpenedView.open(browser, 'cloudhsm_overview');
        const category = await view.choose('input_category', 1);
        await view.page.locator('#navigation .theme').click();
        await view.page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
        await view.settled();
        assert.equal((await view.tokens()).category, category);
        assert.equal(await view.page.evaluate(() => window.location.pathname), '/app/TA-aws-cloudhsm/cloudhsm_overview');
        await view.isWell();
        await view.close();
    });
});
