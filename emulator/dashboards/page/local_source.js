// Data sources that ask the local server instead of Splunk.
import { DataSet } from '@splunk/datasource-utils';

let answers = 0;

// What was asked, in order, with tokens replaced, and how it went: `state` is running, done, failed
// or left (nobody waits for it any more). For tests, and for whoever wonders what a panel asks.
export const searches = [];

// `Original` keeps its schema, by which the packages validate options and tell chains from bases.
export function localSource(Original) {
    return class LocalSource {
        static schema = Original.schema;

        static config = Original.config;

        constructor(options = {}) {
            this.options = options;
        }

        // The packages tell a chain about its base here: `meta` is that of the base's answer.
        getObserver() {
            return {
                next: ({ meta }) => {
                    this.isStale = this.base?.sid !== meta.sid;
                    this.base = meta;
                },
                error: () => {},
                complete: () => {},
            };
        }

        shouldRefreshSubscription() {
            const isStale = this.isStale === true;
            this.isStale = false;
            return isStale;
        }

        // A table asks for one page of its rows: `offset`, `count`, and `sort`, such as {user: 'asc'}.
        request({ offset, count, sort } = {}) {
            return (observer) => {
                const asked = this.asked();
                if (asked === null) {
                    return () => {};
                }
                const gone = new AbortController();
                const search = { ...asked, state: 'running' };
                searches.push(search);
                answerTo({ ...asked, page: { offset, count, sort } }, gone.signal).then(
                    (answer) => {
                        search.state = 'done';
                        observer.next(answer);
                        observer.complete();
                    },
                    (error) => {
                        if (!gone.signal.aborted) {
                            search.state = 'failed';
                            observer.error({ level: 'error', message: error.message, meta: {} });
                        }
                    }
                );
                return () => {
                    search.state = search.state === 'running' ? 'left' : search.state;
                    gone.abort();
                };
            };
        }

        // The base's query and what goes on behind it; null as long as the base has no answer.
        asked() {
            const { extend, query, queryParameters = {} } = this.options;
            if (extend === undefined) {
                const { earliest, latest } = queryParameters;
                return { queries: [query], earliest, latest };
            }
            return this.base === undefined
                ? null
                : { ...this.base.asked, queries: [...this.base.asked.queries, query] };
        }

        equals(other) {
            return JSON.stringify(other?.options ?? other) === JSON.stringify(this.options);
        }

        setup = () => Promise.resolve();

        teardown = () => Promise.resolve();

        pause = () => Promise.resolve();

        resume = () => Promise.resolve();

        finalize = () => Promise.resolve();
    };
}

async function answerTo(asked, signal) {
    const response = await fetch('/local-search', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(asked),
        signal,
    });
    if (!response.ok) {
        throw new Error(await response.text()); // refused: the server says why in plain text
    }
    const answer = await response.json();
    if (answer.error !== undefined) {
        throw new Error(answer.error);
    }
    answers += 1;
    return {
        data: DataSet.fromJSONCols(answer.fields, answer.columns),
        meta: {
            sid: `local.${answers}`,
            asked: { queries: asked.queries, earliest: asked.earliest, latest: asked.latest },
            status: 'done',
            percentComplete: 100,
            totalCount: answer.rows,
        },
    };
}
