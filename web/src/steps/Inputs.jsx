// Step 2: inputs for what was found; created, changed, copied, turned on and off, deleted, each with its status.
import React, { useCallback, useEffect, useRef, useState } from 'react';
import { Conf, Groups } from '../Examined';
import { BusyButton, Choice, Failure, Field, NamedTable, Region, ago, errorOf } from '../parts';
import { ACCESS, REGIONS, conf, stanza } from '../settings';
import { APP, ask, get, post, remove } from '../splunk_web';
import { Button, ControlGroup, Heading, Message, Modal, Multiselect, Paragraph, ScreenReaderContent, Switch, Table } from '../ui';

const ENDPOINT = 'data/inputs/aws_cloudhsm';
const OWN = ['index', 'start_time', 'interval'];
const LABELS = {
    aws_region: 'Region',
    log_groups: 'Log groups',
    aws_credential: 'AWS keys',
    aws_profile: 'Profile',
    role_arn: 'ARN of the role',
    external_id: 'External ID',
    role_session_name: 'Session name',
    proxy_url: 'Proxy',
    proxy_credential: 'User of the proxy',
    ca_bundle: 'CA bundle',
    endpoint_url: 'Endpoint of CloudWatch Logs',
    sts_endpoint_url: 'Endpoint of AWS STS',
};
// What Splunk returns in place of a secret that is kept elsewhere.
const MASK = '********';
const EDITED = [...ACCESS, ...OWN];

const pathOf = (name, action = '') => `${ENDPOINT}/${encodeURIComponent(name)}${action && `/${action}`}`;

async function definitions() {
    const { entry = [] } = await get(`${ENDPOINT}?count=0`, { app: '-' });
    return entry.map((one) => ({
        name: one.name,
        app: one.acl?.app || APP,
        settings: Object.fromEntries(
            EDITED.map((name) => [name, one.content?.[name] === undefined || one.content[name] === null ? '' : String(one.content[name])])
        ),
        disabled: [true, '1', 'true', 1].includes(one.content?.disabled),
    }));
}

// Inputs as splunkd has them, what their runs left, and the indexes; `error` is of what could not be loaded.
function useInputs() {
    const [state, setState] = useState({ inputs: undefined, status: {}, nowMs: 0, indexes: [], error: undefined });
    const load = useCallback(async () => {
        const [inputs, status, indexes] = await Promise.allSettled([
            definitions(),
            get('cloudhsm/operation'),
            get('data/indexes?count=0&datatype=event', { app: '-' }),
        ]);
        const runs = status.value?.inputs ?? [];
        setState((before) => ({
            inputs: inputs.value ?? before.inputs,
            status: Object.fromEntries(runs.map((one) => [one.name, one])),
            nowMs: status.value?.now_ms ?? 0,
            indexes: (indexes.value?.entry ?? []).map((one) => one.name).filter((name) => !name.startsWith('_')),
            error: inputs.reason ?? status.reason,
        }));
    }, []);
    useEffect(() => {
        load();
    }, [load]);
    return { ...state, load };
}

// The dialog of one input. original: what was loaded, for an input that exists.
function InputDialog({ initial, original, indexes, names, returnFocus, onClose, onSaved }) {
    const [name, setName] = useState(initial.name);
    const [settings, setSettings] = useState(initial.settings);
    const [error, setError] = useState();
    const [busy, setBusy] = useState(false);
    const change = (setting) => (value) => setSettings((before) => ({ ...before, [setting]: value }));
    const isTaken = !original && names.some((one) => one.toLowerCase() === name.trim().toLowerCase());
    const save = async () => {
        setBusy(true);
        setError(undefined);
        try {
            await (original ? saveChanged(original, settings) : saveNew(name.trim(), settings));
            onSaved(name.trim());
        } catch (failure) {
            setError(failure);
            setBusy(false);
        }
    };
    const indexOptions = [['default', 'Default of this host'], ...[...new Set([...indexes, settings.index])].filter((one) => one && one !== 'default').map((one) => [one, one])];
    const shown = ACCESS.filter((setting) => setting !== 'aws_region' && (settings[setting] || setting === 'log_groups'));
    return (
        <Modal open onRequestClose={busy ? undefined : onClose} returnFocus={returnFocus} style={{ width: 640 }}>
            <Modal.Header title={original ? `Change ${original.name}` : 'New input'} />
            <Modal.Body>
                <Failure error={error} />
                {original ? null : (
                    <Field label="Name" name="input_name" value={name} onChange={setName} error={isTaken ? 'An input with this name exists. Take another name.' : errorOf(error, 'name')} />
                )}
                <Region name="input_region" value={settings.aws_region} onChange={change('aws_region')} />
                <Choice label="Index" name="index" value={settings.index || 'default'} onChange={change('index')} options={indexOptions} help={indexOptions.length > 1 ? 'An index that the indexers have, too' : 'No index could be listed: on a forwarder, write it into inputs.conf'} filter />
                <Field label="Collect records from" name="start_time" value={settings.start_time} onChange={change('start_time')} placeholder="-30d" help="2026-01-31, 2026-01-31T08:00:00Z, -30d, now or all. Empty: -30d" />
                <Field label="Seconds between runs" name="interval" value={settings.interval} onChange={change('interval')} placeholder="60" />
                {shown.map((setting) => (
                    <Field key={setting} label={LABELS[setting]} name={`input_${setting}`} value={settings[setting]} onChange={change(setting)} />
                ))}
                <Heading level={3}>The same in inputs.conf</Heading>
                <Conf text={conf(original?.name ?? name, { ...settings, external_id: settings.external_id && MASK })} />
            </Modal.Body>
            <Modal.Footer>
                <Button appearance="secondary" label="Cancel" onClick={onClose} disabled={busy} />
                <BusyButton appearance="primary" label={original ? 'Save' : 'Create'} busy={busy || isTaken || !name.trim()} busyLabel={busy ? 'Saving and checking access' : 'Create'} onClick={save} />
            </Modal.Footer>
        </Modal>
    );
}

async function saveNew(name, settings) {
    const given = Object.entries(settings).filter(([, value]) => value);
    await post(ENDPOINT, { name, ...Object.fromEntries(given) });
}

// Only what was changed is sent, and nothing where somebody else changed the input in between.
async function saveChanged(original, settings) {
    const current = (await definitions()).find((one) => one.name === original.name);
    if (!current) {
        throw Object.assign(new Error(`The input ${original.name} was deleted by somebody else.`), { nextStep: 'Close this dialog; copy your values first if you need them.' });
    }
    const others = EDITED.filter((setting) => current.settings[setting] !== original.settings[setting]);
    if (others.length) {
        const listed = others.map((one) => `${LABELS[one] ?? one} is now ${current.settings[one] || 'empty'}`).join('; ');
        throw Object.assign(new Error(`Somebody else changed this input: ${listed}.`), { nextStep: 'Nothing was saved. Close this dialog and open it again.' });
    }
    const changed = EDITED.filter((setting) => settings[setting] !== original.settings[setting]).map((setting) => [setting, settings[setting]]);
    if (changed.length) {
        await post(pathOf(original.name), Object.fromEntries(changed), { app: original.app });
    }
}

function DeleteDialog({ input, returnFocus, onClose, onDeleted }) {
    const [error, setError] = useState();
    const [busy, setBusy] = useState(false);
    const confirm = async () => {
        setBusy(true);
        try {
            await remove(pathOf(input.name), undefined, { app: input.app });
            onDeleted();
        } catch (failure) {
            setError(failure);
            setBusy(false);
        }
    };
    return (
        <Modal open onRequestClose={onClose} returnFocus={returnFocus} style={{ width: 480 }}>
            <Modal.Header title={`Delete ${input.name}?`} />
            <Modal.Body>
                <Failure error={error} />
                <Paragraph>Its log groups are no longer collected. Events in the index and positions on this host stay: an input that you create later for the same log groups continues there.</Paragraph>
            </Modal.Body>
            <Modal.Footer>
                <Button appearance="secondary" label="Cancel" onClick={onClose} disabled={busy} />
                <BusyButton appearance="destructive" label="Delete" busy={busy} busyLabel="Deleting" onClick={confirm} />
            </Modal.Footer>
        </Modal>
    );
}

const PARTS = { input: 'The input', discovery: 'Looking for log groups', live: 'New records', sweep: 'Sweep', gaps: 'Reading gaps again', history: 'History', replay: 'Replay' };

function Status({ run, nowMs }) {
    if (!run) {
        return 'not known';
    }
    const pending = run.groups.reduce((sum, group) => sum + (group.pending_gaps ?? 0), 0);
    const polled = run.groups.map((group) => group.polled_ms).filter(Boolean);
    const lines = [`${run.groups.length} log groups`, `last heartbeat ${ago(run.heartbeat_ms, nowMs)}`];
    if (polled.length) {
        lines.push(`read up to ${ago(Math.min(...polled), nowMs)}`);
    }
    lines.push(`${run.counters.records} records since the heartbeat`);
    if (pending) {
        lines.push(`${pending} gaps pending`);
    }
    const problems = [
        ...run.failures.map((one) => `${PARTS[one.part] ?? one.part}${one.of ? ` (${one.of})` : ''}: ${one.error} since ${ago(one.since_ms, nowMs)}. See the Health dashboard.`),
        ...run.groups.filter((group) => group.problem).map((group) => `${group.name}: ${group.problem.what}. ${group.problem.next_step}`),
    ];
    return (
        <>
            {lines.join(', ')}
            {problems.map((text) => (
                <Message key={text} type="warning">
                    {text}
                </Message>
            ))}
        </>
    );
}

function InputRow({ input, run, nowMs, onEdit, onCopy, onDelete, onSwitch, busy }) {
    return (
        <Table.Row key={input.name} data-test-input={input.name}>
            <Table.Cell>{input.name}</Table.Cell>
            <Table.Cell>{input.settings.aws_region}</Table.Cell>
            <Table.Cell>{input.settings.index || 'default'}</Table.Cell>
            <Table.Cell>
                <Status run={run} nowMs={nowMs} />
            </Table.Cell>
            <Table.Cell>
                <Switch appearance="toggle" selected={!input.disabled} onClick={onSwitch} disabled={busy}>
                    <ScreenReaderContent>{`${input.name} is ${input.disabled ? 'Off' : 'On'}`}</ScreenReaderContent>
                    <span aria-hidden="true">{input.disabled ? 'Off' : 'On'}</span>
                </Switch>
            </Table.Cell>
            <Table.Cell>
                <Button label="Change" aria-label={`Change ${input.name}`} onClick={onEdit} />
                <Button label="Copy" aria-label={`Copy ${input.name}`} onClick={onCopy} />
                <Button label="Delete" aria-label={`Delete ${input.name}`} onClick={onDelete} />
            </Table.Cell>
        </Table.Row>
    );
}

// Log groups of the chosen Regions, with an input for each account and Region.
function Suggestions({ access, onCreate, refreshed }) {
    const [regions, setRegions] = useState([access.aws_region].filter(Boolean));
    const [found, setFound] = useState([]);
    const [busy, setBusy] = useState(false);
    const look = async () => {
        setBusy(true);
        const results = [];
        for (const region of regions) {
            try {
                results.push({ region, ...(await ask('cloudhsm/suggestions', { settings: stanza({ ...access, aws_region: region }) })) });
            } catch (error) {
                results.push({ region, error });
            }
            setFound([...results]);
        }
        setBusy(false);
    };
    useEffect(() => setFound([]), [refreshed]);
    return (
        <>
            <Heading level={3}>Find log groups</Heading>
            <ControlGroup label="Regions" labelPosition="top" help="With the credentials and the network path of the step Access">
                <Multiselect values={regions} onChange={(_, { values }) => setRegions(values)} name="regions">
                    {[...new Set([...REGIONS, ...regions])].map((one) => (
                        <Multiselect.Option key={one} value={one} label={one} />
                    ))}
                </Multiselect>
            </ControlGroup>
            <BusyButton label="Find log groups" busy={busy || !regions.length} busyLabel={busy ? 'Looking' : 'Find log groups'} onClick={look} />
            {found.map((one) => (
                <div key={one.region} data-test-region={one.region}>
                    <Heading level={4}>{one.region}</Heading>
                    <Failure error={one.error} />
                    {(one.failures ?? []).map((failure) => (
                        <Message type="warning" key={failure.what}>
                            <strong>{failure.what}</strong> {failure.next_step}
                        </Message>
                    ))}
                    {(one.inputs ?? []).map((suggested) => (
                        <React.Fragment key={suggested.name}>
                            <Groups groups={suggested.groups} collected={suggested.collected} />
                            {suggested.groups.every((group) => suggested.collected[group.name]) ? (
                                <Message type="success">All of them are collected.</Message>
                            ) : (
                                <Button appearance="primary" label={`Create the input ${suggested.name}`} onClick={() => onCreate(suggested)} />
                            )}
                        </React.Fragment>
                    ))}
                </div>
            ))}
        </>
    );
}

export default function Inputs({ access }) {
    const { inputs, status, nowMs, indexes, error, load } = useInputs();
    const [dialog, setDialog] = useState();
    const [switching, setSwitching] = useState();
    const [failure, setFailure] = useState();
    const [saved, setSaved] = useState(0);
    const heading = useRef();
    const blank = Object.fromEntries(EDITED.map((name) => [name, '']));
    const filled = (settings) => ({ ...blank, ...settings });
    const done = async () => {
        setDialog(undefined);
        setSaved((before) => before + 1);
        await load();
    };
    const turn = async (input) => {
        setSwitching(input.name);
        setFailure(undefined);
        try {
            await post(pathOf(input.name, input.disabled ? 'enable' : 'disable'), {}, { app: input.app });
        } catch (problem) {
            setFailure(problem);
        }
        await load();
        setSwitching(undefined);
    };
    const names = (inputs ?? []).map((one) => one.name);
    const newInput = (settings, name = '') => setDialog({ initial: { name, settings: filled(settings) } });
    // External IDs are in no suggestion, since the handler returns no secret.
    const create = (suggested) => newInput({ ...suggested.settings, external_id: suggested.settings.role_arn ? access.external_id : '' }, suggested.name);
    const copy = (input) => newInput(input.settings, `${input.name}-copy`);
    return (
        <section aria-label="Inputs">
            <Heading level={2} elementRef={heading}>
                Inputs of this host
            </Heading>
            <Paragraph>An input collects the log groups of one account and Region. Saving one checks its access first.</Paragraph>
            <Failure error={error} />
            <Failure error={failure} />
            {inputs && !inputs.length ? <Message type="info">There is no input yet. Find log groups below, then create one.</Message> : null}
            {inputs?.length ? (
                <NamedTable name="Inputs" columns={['Input', 'Region', 'Index', 'Status', 'On', 'Actions']}>
                    {inputs.map((input) => (
                        <InputRow
                            key={input.name}
                            input={input}
                            run={status[input.name]}
                            nowMs={nowMs}
                            busy={switching === input.name}
                            onEdit={() => setDialog({ initial: input, original: input })}
                            onCopy={() => copy(input)}
                            onDelete={() => setDialog({ deleted: input })}
                            onSwitch={() => turn(input)}
                        />
                    ))}
                </NamedTable>
            ) : null}
            <div className="cloudhsm-actions">
                <Button label="New input" onClick={() => newInput(stanza(access))} />
                <Button label="Refresh status" onClick={load} />
            </div>
            <Suggestions access={access} refreshed={saved} onCreate={create} />
            {dialog?.initial ? <InputDialog {...dialog} indexes={indexes} names={names} returnFocus={heading} onClose={() => setDialog(undefined)} onSaved={done} /> : null}
            {dialog?.deleted ? <DeleteDialog input={dialog.deleted} returnFocus={heading} onClose={() => setDialog(undefined)} onDeleted={done} /> : null}
        </section>
    );
}
