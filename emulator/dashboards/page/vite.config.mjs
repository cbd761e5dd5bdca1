// `--outDir` comes from tools/demo/dashboard_preview.py.
export default {
    define: { 'process.env.NODE_ENV': '"production"' },
    build: { target: 'esnext', emptyOutDir: true, chunkSizeWarningLimit: 20000 },
    logLevel: 'warn',
};
