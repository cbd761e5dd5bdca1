// A view in the browser: opened, looked at, clicked.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const fromPage = createRequire(new URL('../../emulator/dashboards/page/', import.meta.url));
const { chromium } = fromPage('playwright-core');

const APP = '/app/TA-aws-cloudhsm';
export const SAMPLE = process.env.PREVIEW_SAMPLE;
export const EMPTY = process.env.PREVIEW_EMPTY;
const SHOTS = process.env.PREVIEW_SHOTS;

// One context for all pages of a file, which share the cache of a large script, in the Chromium
// that run.mjs started.
export async function launched() {
    const browser = await chromium.connect(process.env.PREVIEW_BROWSER);
    const context = await browser.newContext({ timezoneId: 'UTC' });
    return { context, close: () => browser.close() };
}

export async function views(base = SAMPLE) {
    const answer = await (await fetch(`${base}/definitions/any`)).json();
    return answer.views.map((view) => view.name);
}

async function definitionOf(view) {
    const answer = await (await fetch(`${SAMPLE}/definitions/${view}`)).json();
    assert.equal(answer.error, undefined, answer.error);
    return answer.definition;
}

export const isChart = (panel) => /^splunk\.(column|bar|line|area|pie)$/.test(panel.type);

// What a table says when it has nothing to show, as its search has it.
export function advice(panel, definition) {
    const { query } = definition.dataSources[panel.dataSources.primary].options;
    const [, quoted] = /shown_rows=0 \| eval \w+="((?:[^"\\]|\\.)*)"/.exec(query);
    return quoted.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
}

export class OpenedView {
    // Nothing may go wrong while a view is open: `complaints` has all that did.
    static async open(browser, view, wanted = {}) {
        const { base = SAMPLE, theme = 'light', width = 1280, form = {} } = wanted;
        const definition = await definitionOf(view);
        const blocks = definition.layout.structure.map((one) => one.position);
        const height = Math.max(...blocks.map((one) => one.y + one.h)) + 220;
        const page = await browser.context.newPage();
        await page.setViewportSize({ width, height });
        const complaints = [];
        page.on('pageerror', (error) => complaints.push(`page error: ${error}`));
        const opened = new OpenedView(view, definition, page, complaints);
        page.on('console', (said) => {
            if (said.type() === 'error') {
                complaints.push(`console: ${said.text()}`);
            }
        });
        page.on('request', (request) => {
            const url = new URL(request.url());
            if (url.origin !== base && !['data:', 'blob:'].includes(url.protocol)) {
                complaints.push(`a request left the page: ${url.origin}`);
            }
        });
        const given = Object.entries(form).map(([name, value]) => [`form.${name}`, value]);
        const query = new URLSearchParams([['theme', theme], ...given]);
        await page.goto(`${base}${APP}/${view}?${query}`);
        await opened.settled();
        return opened;
    }

    static definition(view) {
        return definitionOf(view);
    }

    constructor(name, definition, page, complaints) {
        Object.assign(this, { name, definition, page, complaints });
    }

    // All searches answered, none new for a while, and the charts drawn.
    async settled() {
        await this.page.evaluate(() => {
            window.__quietSince = Date.now();
        });
        await this.page.waitForFunction(
            () => {
                const searches = window.__searches ?? [];
                const seen = searches.length;
                const running = searches.some((one) => one.state === 'running');
                const now = Date.now();
                if (seen === 0 || running || window.__seen !== seen) {
                    window.__seen = seen;
                    window.__quietSince = now;
                }
                return now - window.__quietSince > 700;
            },
            undefined,
            { timeout: 60_000, polling: 100 }
        );
    }

    get panels() {
        return Object.entries(this.definition.visualizations).map(([id, one]) => ({ id, ...one }));
    }

    element(id) {
        return this.page.locator(`[data-test="viz-item"][data-id="${id}"]`);
    }

    rows(id) {
        return this.element(id).locator('[data-test="body"] [data-test="row"]');
    }

    text(id) {
        return this.element(id).innerText();
    }

    searches() {
        return this.page.evaluate(() => window.__searches);
    }

    tokens() {
        return this.page.evaluate(() => window.__tokens.default);
    }

    // What must hold of every view at any time.
    async isWell() {
        const failed = (await this.searches()).filter((one) => one.state === 'failed');
        assert.deepEqual(failed, [], 'searches failed');
        assert.deepEqual(this.complaints, []);
        const shown = await this.page.locator('body').innerText();
        assert.doesNotMatch(shown, /Set token value to render|undefined|NaN|\$[a-z_.]+(\|s)?\$/);
    }

    async shot(label) {
        await this.page.waitForTimeout(600); // columns grow into their place
        await this.page.screenshot({ path: `${SHOTS}/${this.name}-${label}.png` });
    }

    // `wanted`: the place of an option in its list, or its value.
    async choose(input, wanted) {
        await this.page.locator(`[data-input-id="${input}"] [data-test="select"]`).click();
        const options = this.page.locator('[data-test="option"]');
        const option =
            typeof wanted === 'number'
                ? options.nth(wanted)
                : this.page.locator(`[data-test="option"][data-test-value="${wanted}"]`);
        await option.waitFor();
        const value = await option.getAttribute('data-test-value');
        await option.click();
        await options.first().waitFor({ state: 'detached' }); // or the next list would still be this
        await this.settled();
        return value;
    }

    async type(input, text) {
        const field = this.page.locator(`[data-input-id="${input}"] input`);
        await field.fill(text);
        await field.press('Enter');
        await this.settled();
        return text;
    }

    close() {
        return this.page.close();
    }
}
