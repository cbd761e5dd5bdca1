// Runs the test files that are named, all in one Chromium: it starts once, each file has a context.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

const fromPage = createRequire(new URL('../../emulator/dashboards/page/', import.meta.url));
const { chromium } = fromPage('playwright-core');

const FLAGS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
];

const server = await chromium.launchServer({
    executablePath: process.env.PREVIEW_CHROMIUM,
    args: FLAGS,
});
const tests = spawn(
    process.execPath,
    ['--test', '--test-concurrency=3', ...process.argv.slice(2)],
    { env: { ...process.env, PREVIEW_BROWSER: server.wsEndpoint() }, stdio: 'inherit' }
);
tests.on('exit', async (status) => {
    await server.close();
    process.exit(status ?? 1);
});
