// One view, as Splunk shows it, over the answers of the local server.
import React from 'react';
import { createRoot } from 'react-dom/client';
import DashboardCore from '@splunk/dashboard-core';
import { DashboardContextProvider } from '@splunk/dashboard-context';
import cloudPreset from '@splunk/dashboard-presets/CloudViewOnlyPreset';
import enterprisePreset from '@splunk/dashboard-presets/EnterpriseViewOnlyPreset';
import { createSchemaBasedOnPresets } from '@splunk/dashboard-definition';
import { migrateToTabsLayout } from '@splunk/dashboard-utils';
import { DashboardValidator } from '@splunk/dashboard-validation';
import { SplunkThemeProvider } from '@splunk/themes';
import { localSource, searches } from './local_source.js';

const preset = {
    ...enterprisePreset,
    // Enterprise's own asks splunkweb for the names of time ranges.
    inputs: {
        ...enterprisePreset.inputs,
        'input.timerange': cloudPreset.inputs['input.timerange'],
    },
    dataSources: Object.fromEntries(
        Object.entries(enterprisePreset.dataSources).map(([name, Original]) => [
            name,
            name === 'ds.test' ? Original : localSource(Original),
        ])
    ),
};

const name = window.location.pathname.split('/').pop();
const theme = themeOf();

// What tests read.
window.__searches = searches;
window.__validate = (definition) => {
    const validator = new DashboardValidator();
    validator.setSchema(createSchemaBasedOnPresets(preset, {}));
    return validator.validate(migrateToTabsLayout({ definition }).definition) ?? [];
};
window.__tokens = {};
window.__options = Object.fromEntries(
    [preset.visualizations, preset.inputs, preset.dataSources].flatMap((kind) =>
        Object.entries(kind).map(([type, component]) => [type, optionsOf(component)])
    )
);

// What the official packages know of a panel, an input or a data source: names, or a JSON Schema.
function optionsOf({ config, schema }) {
    const known = config?.optionsSchema ?? schema ?? {};
    const forms = known.extend?.anyOf ?? [known];
    return forms.flatMap((form) => Object.keys(form.properties ?? form));
}

// The packages write tokens into the address and drop what they do not know; the session remembers.
function themeOf() {
    const requested = new URLSearchParams(window.location.search).get('theme');
    const stored = requested ?? window.sessionStorage.getItem('theme') ?? 'light';
    const chosen = stored === 'dark' ? 'dark' : 'light';
    window.sessionStorage.setItem('theme', chosen);
    return chosen;
}

function link(text, address, isCurrent) {
    const anchor = document.createElement('a');
    anchor.textContent = text;
    anchor.href = address;
    if (isCurrent) {
        anchor.setAttribute('aria-current', 'page');
    }
    return anchor;
}

function showNavigation(app, views) {
    const other = theme === 'dark' ? 'light' : 'dark';
    const links = views.map((view) => link(view.label, `/app/${app}/${view.name}`, view.name === name));
    const switched = link(other, `?theme=${other}`, false);
    switched.className = 'theme';
    // The address has the current tokens: keep them.
    switched.addEventListener('click', () => {
        const chosen = new URLSearchParams(window.location.search);
        chosen.set('theme', other);
        switched.href = `?${chosen}`;
    });
    document.getElementById('navigation').replaceChildren(...links, switched);
}

function showFault(text) {
    const fault = document.createElement('div');
    fault.className = 'fault';
    fault.textContent = text;
    document.getElementById('view').replaceChildren(fault);
}

function showView(definition) {
    createRoot(document.getElementById('view')).render(
        <SplunkThemeProvider family="enterprise" colorScheme={theme} density="comfortable">
            <DashboardContextProvider
                initialDefinition={definition}
                preset={preset}
                initialMode="view"
                timezone={{ ianaTimezone: 'UTC' }}
                onTokenBindingChange={(tokens) => {
                    window.__tokens = tokens;
                }}
            >
                <DashboardCore width="100%" height="calc(100vh - 40px)" />
            </DashboardContextProvider>
        </SplunkThemeProvider>
    );
}

async function start() {
    document.documentElement.dataset.theme = theme;
    const response = await fetch(`/definitions/${name}`);
    if (!response.ok) {
        throw new Error(await response.text());
    }
    const answer = await response.json();
    document.title = answer.label ?? name;
    showNavigation(answer.app, answer.views);
    if (answer.error === undefined) {
        showView(answer.definition);
    } else {
        showFault(answer.error);
    }
}

start().catch((error) => showFault(String(error)));
