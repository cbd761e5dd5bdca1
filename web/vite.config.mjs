// Builds the page into one script, and lists the packages that it has; `--outDir` comes from tools/build/setup_page.py.
import { readFileSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

// The package.json of the npm package that a module is part of.
function packageOf(module) {
    const path = module.replace(/^\0/, '').replace(/\?.*$/, '');
    if (!path.includes('/node_modules/')) {
        return undefined;
    }
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
        const file = join(folder, 'package.json');
        if (existsSync(file)) {
            const { name, version, license } = JSON.parse(readFileSync(file, 'utf8'));
            if (name && version) {
                return { name, version, license: license ?? '' };
            }
        }
    }
    throw new Error(`${module} is part of no package`);
}

// bundled.json: each package in the bundle, with its version and license.
const listsPackages = {
    name: 'lists-packages',
    generateBundle(_options, bundle) {
        const found = new Map();
        for (const chunk of Object.values(bundle)) {
            for (const module of Object.keys(chunk.modules ?? {})) {
                const one = packageOf(module);
                if (one) {
                    found.set(`${one.name}@${one.version}`, one);
                }
            }
        }
        const listed = [...found.keys()].sort().map((key) => found.get(key));
        this.emitFile({
            type: 'asset',
            fileName: 'bundled.json',
            source: `${JSON.stringify(listed, null, 1)}\n`,
        });
    },
};

export default {
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [listsPackages],
    logLevel: 'warn',
    build: {
        target: 'es2020',
        emptyOutDir: true,
        chunkSizeWarningLimit: 4000,
        lib: { entry: 'src/main.jsx', formats: ['iife'], name: 'cloudhsmSetup', fileName: () => 'cloudhsm_setup.js' },
        rollupOptions: {
            output: {
                // Splunk Web loads the script by RequireJS, to which no library inside it may announce itself.
                banner: '(function (define, exports, module, require) {',
                footer: '})();',
            },
        },
    },
};
