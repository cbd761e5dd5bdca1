// Every view loads, in both themes and at both widths, with data and without.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EMPTY, OpenedView, launched, views } from './opened_view.mjs';

const names = await views();
const THEMES = ['light', 'dark'];
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

const isChart = (panel) => /^splunk\.(column|bar|line|area|pie)$/.test(panel.type);

async function showsData(view, panel) {
    const element = view.element(panel.id);
    assert.equal(await element.count(), 1, `${panel.id} is not on the page`);
    const placeholders = element.locator('[data-test="icon-placeholder"]');
    assert.equal(await placeholders.count(), 0, `${panel.id} shows a placeholder`);
    if (panel.type === 'splunk.table') {
        const rows = await element.locator('[data-test="body"] [data-test="row"]').count();
        assert.ok(rows > 0, `${panel.id} has no row`);
    } else if (panel.type === 'splunk.singlevalue') {
        const value = await element.locator('[data-test="majorValue"]').innerText();
        assert.match(value, /\S/, `${panel.id} has no value`);
    } else if (isChart(panel)) {
        const marks = await element.locator('.highcharts-series path, .highcharts-point').count();
        assert.ok(marks > 0, `${panel.id} draws nothing`);
    }
}

test('the navigation has seven views', () => {
    assert.equal(names.length, 7);
});

for (const name of names) {
    describe(name, { concurrency: 2 }, () => {
        for (const theme of THEMES) {
            test(`loads without a fault and shows data in every panel, ${theme}`, async () => {
                const view = await OpenedView.open(browser, name, { theme });
                await view.isWell();
                for (const panel of view.panels) {
                    await showsData(view, panel);
                }
                await view.shot(`${theme}-1280`);
                await view.page.setViewportSize({
                    width: 1920,
                    height: view.page.viewportSize().height,
                });
                await view.settled();
                await view.isWell();
                const width = await view.page.evaluate(() => document.body.scrollWidth);
                assert.ok(width <= 1920, `it is ${width} pixels wide`);
                await view.shot(`${theme}-1920`);
                await view.close();
            });
        }

        test('over an empty index shows no fault, and tables say what to do', async () => {
            const view = await OpenedView.open(browser, name, { base: EMPTY });
            await view.isWell();
            for (const panel of view.panels) {
                if (panel.type === 'splunk.table') {
                    const text = await view.text(panel.id);
                    const source = view.definition.dataSources[panel.dataSources.primary];
                    const advice = /shown_rows=0 \| eval \w+="((?:[^"\\]|\\.)*)"/.exec(
                        source.options.query
                    )[1];
                    const rows = view.element(panel.id).locator('[data-test="body"] [data-test="row"]');
                    assert.ok((await rows.count()) > 0, `${panel.id} says nothing`);
                    if ((await rows.count()) === 1) {
                        const plain = advice.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
                        assert.ok(text.includes(plain), `${panel.id} says ${text}`);
                    }
                } else if (panel.type === 'splunk.singlevalue') {
                    await showsData(view, panel);
                }
            }
            await view.shot('empty');
            await view.close();
        });
    });
}
