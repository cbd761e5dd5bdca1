// Names that somebody chose to harm a reader are text: in lists, tables and on the search page.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { OpenedView, launched } from './opened_view.mjs';

// As the sample trail has them (samples/organisation.py): markup, control of a terminal, SPL and a
// formula. The one with line breaks would end its own record, so that only its first line names it.
const NAMES = {
    markup: '</data></event><event><data>',
    'control of a terminal': '\\u001b[2J\\u001b[31mroot',
    SPL: '" | delete index=*',
    'a formula': "=cmd|' /C calc'!A0",
    'a forged record': 'x',
};
let browser;

before(async () => {
    browser = await launched();
});
after(() => browser.close());

const hashOf = (name) => createHash('sha256').update(name).digest('hex');

async function isText(page) {
    assert.equal(await page.locator('event, data').count(), 0, 'a name became an element');
    const raw = await page.evaluate(() => document.body.textContent.includes('\u001b'));
    assert.ok(!raw, 'an escape character reaches the page');
}

describe('hostile names', () => {
    let view;

    before(async () => {
        view = await OpenedView.open(browser, 'cloudhsm_access');
    });
    after(() => view.close());

    for (const [kind, name] of Object.entries(NAMES)) {
        test(`${kind} is chosen by its hash and shown as it is`, async () => {
            await view.choose('input_user', hashOf(name));
            const chosen = view.page.locator('[data-input-id="input_user"] [data-test="select"]');
            assert.equal((await chosen.textContent()).trim(), name);
            const cells = await view.rows('viz_reasons').locator('td').allTextContents();
            assert.ok(cells.includes(name), cells.join('; '));
            await isText(view.page);

            const opening = view.page.waitForEvent('popup');
            await view.rows('viz_reasons').first().locator('td').first().click();
            const records = await opening;
            await records.waitForLoadState();
            assert.equal(await records.locator('#count').innerText(), '1 results');
            assert.ok((await records.locator('td').allTextContents()).includes(name));
            const search = await records.locator('#search').innerText();
            assert.ok(name.length < 2 || !search.includes(name), search);
            await isText(records);
            await records.close();
            await view.isWell();
        });
    }

    test('a record is shown as the HSM wrote it, forged lines and all', async () => {
        const form = { user: hashOf(NAMES['a forged record']) };
        const investigate = await OpenedView.open(browser, 'cloudhsm_investigate', { form });
        const text = await investigate.element('viz_trail').textContent();
        assert.match(text, /x\nTime: 01\/02\/30 03:04:05\.6789/);
        await isText(investigate.page);
        await investigate.close();
    });
});
