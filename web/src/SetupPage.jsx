// The page: its steps, what host it runs on, and how setup ends.
import React, { useEffect, useState } from 'react';
import { Failure } from './parts';
import { remember, remembered } from './settings';
import { APP, get, post, viewUrl } from './splunk_web';
import Access from './steps/Access';
import Inputs from './steps/Inputs';
import { Button, Heading, Link, Paragraph, TabBar } from './ui';

const STEPS = [
    ['access', '1. Access', Access],
    ['inputs', '2. Inputs', Inputs],
];

function useHost() {
    const [host, setHost] = useState('');
    useEffect(() => {
        get('server/info', { app: '-' })
            .then(({ entry }) => setHost(entry[0].content.serverName))
            .catch(() => setHost(''));
    }, []);
    return host;
}

export default function SetupPage() {
    const [draft] = useState(remembered);
    const [access, setAccess] = useState(draft.access);
    const [step, setStep] = useState(STEPS.some(([id]) => id === draft.step) ? draft.step : 'access');
    const [error, setError] = useState();
    const host = useHost();
    useEffect(() => remember(access, step), [access, step]);
    // Splunk opens the app on this page until it is configured.
    const end = async () => {
        setError(undefined);
        try {
            await post(`apps/local/${APP}`, { configured: '1' }, { app: '-' });
        } catch (failure) {
            setError(failure);
            return;
        }
        window.location.assign(viewUrl('cloudhsm_overview'));
    };
    const [, , Step] = STEPS.find(([id]) => id === step);
    return (
        <main className="cloudhsm-setup" aria-label="Set up">
            <header>
                <Heading level={1}>Set up AWS CloudHSM</Heading>
                <Paragraph>
                    {host ? `This page sets up ${host}, the Splunk that you are logged in to. ` : ''}
                    Inputs run on the Splunk that collects: a single instance, a heavy forwarder, or a search head of Splunk Cloud.
                </Paragraph>
                <div className="cloudhsm-actions">
                    <Button label="Finish, or skip the rest" onClick={end} />
                    <Link to={viewUrl('cloudhsm_overview')}>Dashboards</Link>
                </div>
                <Failure error={error} />
            </header>
            <TabBar activeTabId={step} onChange={(_, { selectedTabId }) => setStep(selectedTabId)} aria-label="Steps">
                {STEPS.map(([id, label]) => (
                    <TabBar.Tab key={id} label={label} tabId={id} />
                ))}
            </TabBar>
            <Step access={access} setAccess={setAccess} onNext={() => setStep('inputs')} />
        </main>
    );
}
