// Step 1: how AWS is reached, tried before anything is saved.
import React, { useCallback, useEffect, useRef, useState } from 'react';
import { CredentialDialog } from '../Credentials';
import { Examined } from '../Examined';
import { BusyButton, Choice, Failure, Field, Region, errorOf } from '../parts';
import { stanza } from '../settings';
import { ask, get } from '../splunk_web';
import { Button, CollapsiblePanel, ControlGroup, Heading, Paragraph, RadioList } from '../ui';

const NONE = ['', 'None'];

export function useCredentials() {
    const [credentials, setCredentials] = useState([]);
    const [error, setError] = useState();
    const load = useCallback(async () => {
        try {
            setCredentials((await get('cloudhsm/credential')).credentials);
            setError(undefined);
        } catch (failure) {
            setError(failure);
        }
    }, []);
    useEffect(() => {
        load();
    }, [load]);
    return { credentials, error, load };
}

function Network({ access, change, error, credentials, onAdd }) {
    const users = credentials.filter((one) => one.kind === 'proxy').map((one) => [one.name, `${one.name} (${one.host})`]);
    return (
        <CollapsiblePanel title="Network path: proxy, certificates, endpoints" defaultOpen={Boolean(access.proxy_url || access.endpoint_url)}>
            <div className="cloudhsm-panel">
                <Field label="Proxy" name="proxy_url" value={access.proxy_url} onChange={change('proxy_url')} placeholder="http://proxy.example:3128" help="Empty: as HTTPS_PROXY of splunkd says" error={errorOf(error, 'proxy_url')} />
                {access.proxy_url ? (
                    <div className="cloudhsm-row">
                        <Choice label="User of the proxy" name="proxy_credential" value={access.proxy_credential} onChange={change('proxy_credential')} options={[NONE, ...users]} error={errorOf(error, 'proxy_credential')} />
                        <Button label="Add a user" onClick={() => onAdd('proxy')} />
                    </div>
                ) : null}
                <Field label="CA bundle" name="ca_bundle" value={access.ca_bundle} onChange={change('ca_bundle')} help="A file of PEM certificates on this host, for a proxy that inspects TLS" error={errorOf(error, 'ca_bundle')} />
                <Field label="Endpoint of CloudWatch Logs" name="endpoint_url" value={access.endpoint_url} onChange={change('endpoint_url')} help="Empty: AWS's endpoint of the Region" error={errorOf(error, 'endpoint_url')} />
                <Field label="Endpoint of AWS STS" name="sts_endpoint_url" value={access.sts_endpoint_url} onChange={change('sts_endpoint_url')} error={errorOf(error, 'sts_endpoint_url')} />
            </div>
        </CollapsiblePanel>
    );
}

function Role({ access, change, error }) {
    return (
        <CollapsiblePanel title="Role to assume, for example in another account" defaultOpen={Boolean(access.role_arn)}>
            <div className="cloudhsm-panel">
                <Field label="ARN of the role" name="role_arn" value={access.role_arn} onChange={change('role_arn')} placeholder="arn:aws:iam::111122223333:role/cloudhsm-audit-reader" error={errorOf(error, 'role_arn')} />
                <Field label="External ID" name="external_id" value={access.external_id} onChange={change('external_id')} help="The one that the role's trust policy requires" error={errorOf(error, 'external_id')} />
                <Field label="Session name" name="role_session_name" value={access.role_session_name} onChange={change('role_session_name')} help="Shown in CloudTrail. Empty: TA-aws-cloudhsm" error={errorOf(error, 'role_session_name')} />
            </div>
        </CollapsiblePanel>
    );
}

function Identity({ access, change, error, credentials, onAdd, onReplace }) {
    const keys = credentials.filter((one) => one.kind === 'aws');
    const chosen = keys.find((one) => one.name === access.aws_credential);
    const options = keys.map((one) => [one.name, one.user_end ? `${one.name} (key ID ends in ${one.user_end})` : one.name]);
    return (
        <>
            <ControlGroup label="Credentials" labelPosition="top">
                <RadioList value={access.identity} onChange={(_, { value }) => change('identity')(value)} name="identity">
                    <RadioList.Option value="host">Of this host: instance role, container role, environment</RadioList.Option>
                    <RadioList.Option value="keys">AWS keys in Splunk's password storage</RadioList.Option>
                    <RadioList.Option value="profile">A profile of the user who runs Splunk</RadioList.Option>
                </RadioList>
            </ControlGroup>
            {access.identity === 'keys' ? (
                <div className="cloudhsm-row">
                    <Choice label="AWS keys" name="aws_credential" value={access.aws_credential} onChange={change('aws_credential')} options={options} placeholder="Choose keys" error={errorOf(error, 'aws_credential')} />
                    <Button label="Add keys" onClick={() => onAdd('aws')} />
                    {chosen ? <Button label="Rotate" onClick={() => onReplace(chosen)} /> : null}
                </div>
            ) : null}
            {access.identity === 'profile' ? (
                <Field label="Profile" name="aws_profile" value={access.aws_profile} onChange={change('aws_profile')} error={errorOf(error, 'aws_profile')} />
            ) : null}
        </>
    );
}

const SHOWN = ['aws_region', 'aws_credential', 'aws_profile', 'role_arn', 'external_id', 'role_session_name', 'proxy_url', 'proxy_credential', 'ca_bundle', 'endpoint_url', 'sts_endpoint_url', 'log_groups'];

export default function Access({ access, setAccess, onNext }) {
    const { credentials, error: notListed, load } = useCredentials();
    const [dialog, setDialog] = useState();
    const [result, setResult] = useState();
    const [error, setError] = useState();
    const [busy, setBusy] = useState(false);
    const testButton = useRef();
    const change = (name) => (value) => {
        setAccess((before) => ({ ...before, [name]: value }));
        setResult(undefined);
    };
    const test = async () => {
        setBusy(true);
        setError(undefined);
        setResult(undefined);
        try {
            setResult(await ask('cloudhsm/check', { settings: stanza(access) }));
        } catch (failure) {
            setError(failure);
        }
        setBusy(false);
    };
    const stored = async (name) => {
        const setting = dialog.kind === 'aws' ? 'aws_credential' : 'proxy_credential';
        setDialog(undefined);
        await load();
        change(setting)(name);
    };
    const shared = { access, change, error, credentials, onAdd: (kind) => setDialog({ kind }) };
    return (
        <section aria-label="Access">
            <Heading level={2}>How AWS is reached</Heading>
            <Paragraph>Test the settings here. Nothing is saved until you create an input in the next step.</Paragraph>
            <Failure error={notListed} />
            <Region name="aws_region" value={access.aws_region} onChange={change('aws_region')} error={errorOf(error, 'aws_region')} />
            <Identity {...shared} onReplace={(entry) => setDialog({ kind: 'aws', replaced: entry })} />
            <Role {...shared} />
            <Network {...shared} />
            <Field label="Log groups" name="log_groups" value={access.log_groups} onChange={change('log_groups')} placeholder="/aws/cloudhsm/" help="Names, or prefixes that end in * or /, separated by commas. Empty: all of CloudHSM's" error={errorOf(error, 'log_groups')} />
            <div className="cloudhsm-actions">
                <BusyButton appearance="primary" label="Test" busy={busy} busyLabel="Testing, up to 15 seconds" onClick={test} elementRef={testButton} />
                {result?.ok ? <Button label="Continue to inputs" onClick={onNext} /> : null}
            </div>
            {error && !SHOWN.includes(error.setting) ? <Failure error={error} /> : null}
            {result ? <Examined result={result} /> : null}
            {dialog ? (
                <CredentialDialog kind={dialog.kind} replaced={dialog.replaced} proxyUrl={access.proxy_url} returnFocus={testButton} onClose={() => setDialog(undefined)} onStored={stored} />
            ) : null}
        </section>
    );
}
