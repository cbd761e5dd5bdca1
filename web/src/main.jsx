// Puts the page into the dashboard cloudhsm_setup, which has an element for it and loads this script.
import React from 'react';
import { createRoot } from 'react-dom/client';
import { createGlobalStyle } from 'styled-components';
import SetupPage from './SetupPage';
import { SplunkThemeProvider, variables } from './ui';

const ELEMENT = 'cloudhsm-setup';

const Styles = createGlobalStyle`
    .cloudhsm-setup { color: ${variables.contentColorDefault}; font-family: ${variables.sansFontFamily}; font-size: ${variables.fontSize}; background: ${variables.backgroundColorPage}; box-sizing: border-box; min-height: 100vh; padding: 16px 24px 48px; }
    .cloudhsm-setup h3, .cloudhsm-setup h4 { margin: 20px 0 8px; }
    .cloudhsm-setup table + button { margin-top: 12px; }
    .cloudhsm-setup td button { margin-right: 8px; }
    .cloudhsm-setup .cloudhsm-gap { margin-top: 16px; }
    .cloudhsm-setup section { max-width: 1400px; padding-top: 16px; }
    .cloudhsm-panel { padding: 12px 16px; }
    .cloudhsm-row { display: flex; align-items: flex-end; gap: 12px; flex-wrap: wrap; }
    .cloudhsm-row > button { margin-bottom: 20px; }
    .cloudhsm-actions { display: flex; align-items: center; gap: 12px; margin: 16px 0; }
    .cloudhsm-facts { display: grid; grid-template-columns: max-content 1fr; gap: 4px 16px; margin: 16px 0; }
    .cloudhsm-facts dt { font-weight: 600; }
    .cloudhsm-facts dd { margin: 0; overflow-wrap: anywhere; }
    .cloudhsm-setup td { overflow-wrap: anywhere; }
`;

// Splunk Web's theme, by the background that it gives the page: each release names it elsewhere.
function colorScheme() {
    const [red, green, blue] = (window.getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g) ?? [255, 255, 255]).map(Number);
    const alpha = Number((window.getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g) ?? [])[3] ?? 1);
    return alpha > 0 && 0.2126 * red + 0.7152 * green + 0.0722 * blue < 128 ? 'dark' : 'light';
}

function mount() {
    const element = document.getElementById(ELEMENT);
    if (element && !element.dataset.mounted) {
        element.dataset.mounted = 'yes';
        createRoot(element).render(
            <SplunkThemeProvider family="enterprise" colorScheme={colorScheme()} density="comfortable">
                <Styles />
                <SetupPage />
            </SplunkThemeProvider>
        );
    }
}

// The dashboard may draw its panels after it has loaded the script.
mount();
new MutationObserver(mount).observe(document.documentElement, { childList: true, subtree: true });
