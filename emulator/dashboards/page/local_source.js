// Data sources that search on the local server instead of Splunk.
import { DataSet } from '@splunk/datasource-utils';

let answers = 0;

// The requests in order, with tokens replaced, and their `state`: running, done, failed or left (its
// panel is closed). For tests, and to see what a panel searches.
export const searches = [];

// `Original` keeps its schema, by which the packages validate options and distinguish chains from bases.
export function localSource(Original) {
    return class LocalSource {
        static schema = Original.schema;

        static config = Original.config;

        constructor(options = {}) {
            this.options = options;
        }

        // The packages pass a chain its base here: `meta` is that of the base's answer.
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

        // A table requests one page of its rows: `offset`, `count`, and `sort`, such as {user: 'asc'}.
        request({ offset, count, sort } = {}) {
            return (observer) => {
                const chain = this.chain();
                if (chain === null) {
                    return () => {};
                }
                const gone = new AbortController();
                const search = { ...chain, state: 'running' };
                searches.push(search);
                answerTo({ ...chain, page: { offset, count, sort } }, gone.signal).then(
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

        // The base's query and the one that continues it; null until the base has an answer.
        chain() {
            const { extend, query, queryParameters = {} } = this.options;
            if (extend === undefined) {
                const { earliest, latest } = queryParameters;
                return { queries: [query], earliest, latest };
            }
            return this.base === undefined
                ? null
                : { ...this.base.chain, queries: [...this.base.chain.queries, query] };
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

async function answerTo(request, signal) {
    const response = await fetch('/local-search', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(request),
        signal,
    });
    if (!response.ok) {
        throw new Error(await response.text()); // refused: the reason in plain text
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
            chain: { queries: request.queries, earliest: request.earliest, latest: request.latest },
            status: 'done',
            percentComplete: 100,
            totalCount: answer.rows,
        },
    };
}
