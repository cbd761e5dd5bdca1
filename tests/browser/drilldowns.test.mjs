// A click leads where the panel says: to the records, to another view, or to another token.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OpenedView, isChart, launched, views } from './opened_view.mjs';

const names = await views();
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

// The part of a panel that people click; of a chart its tallest mark.
async function target(view, panel) {
    const element = view.element(panel.id);
    if (panel.type === 'splunk.singlevalue') {
        return element.locator('[data-test="majorValue"]');
    }
    if (panel.type === 'splunk.table') {
        return element.locator('[data-test="body"] [data-test="row"]').first().locator('td').first();
    }
    const marks = element.locator('.highcharts-point');
    const sizes = await marks.evaluateAll((all) =>
        all.map((one) => one.getBoundingClientRect()).map(({ width, height }) => width * height)
    );
    assert.notEqual(sizes.length, 0, `${panel.id} draws nothing that could be clicked`);
    return marks.nth(sizes.indexOf(Math.max(...sizes)));
}

async function click(view, panel) {
    await (await target(view, panel)).click({ force: isChart(panel) }); // marks have no text
}

// A number; of a table its rows, none where there is only the advice of an empty one.
async function shownBy(view, panel) {
    if (panel.type === 'splunk.singlevalue') {
        return (await target(view, panel)).innerText();
    }
    if (isChart(panel)) {
        return 'some';
    }
    const rows = view.element(panel.id).locator('[data-test="body"] [data-test="row"]');
    const cells = (await rows.first().locator('td').allInnerTexts()).filter((text) => text.trim());
    return (await rows.count()) === 1 && cells.length === 1 ? '0' : 'some';
}

async function opensRecords(view, panel) {
    const value = await shownBy(view, panel);
    const opening = view.page.waitForEvent('popup', { timeout: 10_000 });
    await click(view, panel);
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
    await click(view, panel);
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
        test(`${name}: every number, table and chart opens what it says`, async () => {
            const view = await OpenedView.open(browser, name);
            const tried = new Set();
            for (const panel of view.panels) {
                const handler = panel.eventHandlers?.[0];
                if (handler === undefined) {
                    continue;
                }
                if (handler.type === 'drilldown.setToken') {
                    const tokens = await view.tokens();
                    await click(view, panel);
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
});
