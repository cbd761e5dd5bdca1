// Every view loads, in both themes and at both widths, with data and without.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { EMPTY, OpenedView, advice, isChart, launched, views } from './opened_view.mjs';

const names = await views();
const THEMES = ['light', 'dark'];
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

// Of these the sample trail has nothing: a week without a failed collection, no key chosen yet.
const EMPTY_ON_SAMPLE = ['cloudhsm_health viz_failures', 'cloudhsm_keys viz_timeline'];
// This one has something to say of an empty index.
const SELF_CHECKS = 'cloudhsm_health viz_checks';
const MARKS = '.highcharts-series path, .highcharts-point';

async function showsData(view, panel) {
    const element = view.element(panel.id);
    assert.equal(await element.count(), 1, `${panel.id} is not on the page`);
    const placeholders = element.locator('[data-test="icon-placeholder"]');
    assert.equal(await placeholders.count(), 0, `${panel.id} shows a placeholder`);
    if (panel.type === 'splunk.table') {
        assert.ok((await view.rows(panel.id).count()) > 0, `${panel.id} has no row`);
        const says = (await view.text(panel.id)).includes(advice(panel, view.definition));
        const isEmpty = EMPTY_ON_SAMPLE.includes(`${view.name} ${panel.id}`);
        assert.equal(says, isEmpty, `${panel.id} ${says ? 'shows nothing' : 'shows data now'}`);
    } else if (panel.type === 'splunk.singlevalue') {
        const value = await element.locator('[data-test="majorValue"]').innerText();
        assert.match(value, /\S/, `${panel.id} has no value`);
    } else if (isChart(panel)) {
        assert.ok((await element.locator(MARKS).count()) > 0, `${panel.id} draws nothing`);
    }
}

async function saysWhatToDo(view, panel) {
    const element = view.element(panel.id);
    if (panel.type === 'splunk.table') {
        const rows = await view.rows(panel.id).count();
        assert.ok(rows > 0, `${panel.id} says nothing`);
        const text = await view.text(panel.id);
        const isAdvice = text.includes(advice(panel, view.definition));
        const isCheck = `${view.name} ${panel.id}` === SELF_CHECKS;
        assert.ok(isCheck ? rows > 1 : rows === 1 && isAdvice, `${panel.id} says ${text}`);
    } else if (panel.type === 'splunk.singlevalue') {
        const value = await element.locator('[data-test="majorValue"]').innerText();
        assert.match(value, /\S/, `${panel.id} has no value`);
    } else if (isChart(panel)) {
        assert.equal(await element.locator('.highcharts-point').count(), 0);
        assert.match(await view.text(panel.id), /\bempty\b/i, `${panel.id} does not explain itself`);
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

        test('over an empty index shows no fault, and every panel says what to do', async () => {
            const view = await OpenedView.open(browser, name, { base: EMPTY });
            await view.isWell();
            for (const panel of view.panels) {
                await saysWhatToDo(view, panel);
            }
            await view.shot('empty');
            await view.close();
        });
    });
}
