// A click leads where the panel says: to the records, to another view, or to another token.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OpenedView, launched, views } from './opened_view.mjs';

const names = await views();
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

// The part of a panel that people click.
function target(view, panel) {
    const element = view.element(panel.id);
    if (panel.type === 'splunk.singlevalue') {
        return element.locator('[data-test="majorValue"]');
    }
    if (panel.type === 'splunk.table') {
        return element.locator('[data-test="body"] [data-test="row"]').first().locator('td').first();
    }
    return null; // charts: what a click on a mark opens does not depend on the mark
}

// A number; of a table its rows, none where there is only the advice of an empty one.
async function shownBy(view, panel) {
    if (panel.type === 'splunk.singlevalue') {
        return target(view, panel).innerText();
    }
    const rows = view.element(panel.id).locator('[data-test="body"] [data-test="row"]');
    const cells = (await rows.first().locator('td').allInnerTexts()).filter((text) => text.trim());
    return (await rows.count()) === 1 && cells.length === 1 ? '0' : 'some';
}

async function opensRecords(view, panel) {
    const value = await shownBy(view, panel);
    const opening = view.page.waitForEvent('popup', { timeout: 10_000 });
    await target(view, panel).click();
    const page = await opening.catch(() => assert.fail(`${panel.id} opens nothing`));
    await page.waitForLoadState();
    assert.equal(new URL(page.url()).pathname, '/app/TA-aws-cloudhsm/search');
    assert.equal(await page.locator('.error').count(), 0, await page.locator('body').innerText());
    const count = parseInt(await page.locator('#count').innerText(), 10);
    assert.ok(value.trim() === '0' || count > 0, `${panel.id} shows ${value}, opens ${count}`);
    await page.close();
}

// A page that is left is gone, so each address is tried once, on a page of its own.
async function opensView(name, panel) {
    const view = await OpenedView.open(browser, name);
    await target(view, panel).click();
    await view.page.waitForFunction(
        (path) => window.location.pathname !== path,
        `/app/TA-aws-cloudhsm/${name}`,
        { timeout: 10_000 }
    );
    const there = new URL(view.page.url());
    const wanted = new URL(panel.eventHandlers[0].options.url, 'http://localhost').pathname;
    assert.equal(there.pathname, wanted);
    view.name = wanted;
    await view.settled();
    await view.isWell();
    const tokens = await view.tokens();
    for (const [key, value] of there.searchParams) {
        if (key.startsWith('form.')) {
            assert.doesNotMatch(value, /\$|undefined/, `${panel.id} hands over ${key}=${value}`);
            assert.equal(tokens[key.replace('form.', '')], value, `${wanted} ignores ${key}`);
        }
    }
    await view.close();
}

describe('clicks', { concurrency: 3 }, () => {
    for (const name of names) {
        test(`${name}: every number and table opens what it says`, async () => {
            const view = await OpenedView.open(browser, name);
            const tried = new Set();
            for (const panel of view.panels) {
                const handler = panel.eventHandlers?.[0];
                if (handler === undefined || target(view, panel) === null) {
                    continue;
                }
                if (handler.type === 'drilldown.setToken') {
                    const tokens = await view.tokens();
                    await target(view, panel).click();
                    await view.settled();
                    assert.notDeepEqual(await view.tokens(), tokens, `${panel.id} sets nothing`);
                    await view.isWell();
                } else if (handler.options.newTab) {
                    await opensRecords(view, panel);
                } else {
                    if (!tried.has(handler.options.url)) {
                        tried.add(handler.options.url);
                        await opensView(name, panel);
                    }
                }
            }
            await view.isWell();
            await view.close();
        });
    }

    test('every chart opens the records behind it', async () => {
        const view = await OpenedView.open(browser, 'cloudhsm_overview');
        const opening = view.page.waitForEvent('popup');
        await view.element('viz_by_outcome').locator('.highcharts-point').first().click({ force: true });
        const page = await opening;
        await page.waitForLoadState();
        assert.equal(await page.locator('.error').count(), 0);
        assert.ok(parseInt(await page.locator('#count').innerText(), 10) > 0);
        await view.close();
    });

    test('hostile names are text, never markup', async () => {
        const view = await OpenedView.open(browser, 'cloudhsm_access');
        const text = await view.text('viz_runs');
        assert.ok(text.includes('</data></event><event><data>'), text);
        assert.equal(await view.page.locator('event, data').count(), 0);
        await view.close();
    });
});
