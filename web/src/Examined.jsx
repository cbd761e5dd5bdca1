// What an access check found: identity, network path, permissions, log groups, failures.
import React from 'react';
import { NamedTable } from './parts';
import { Code, Heading, Message, Table } from './ui';

const RESULT = { allowed: 'Allowed', denied: 'Denied', missing: 'No such log group', not_tried: 'Not tried (no time left)' };

const protectionOf = (group) =>
    [
        group.kms_key ? 'KMS key' : 'AWS-owned key',
        group.is_deletion_protected ? 'deletion protected' : 'can be deleted',
        group.is_masked ? 'masked by a data protection policy' : '',
    ]
        .filter(Boolean)
        .join(', ');

const retentionOf = (group) => (group.retention_days === null ? 'Never expires' : `${group.retention_days} days`);

// collected: the inputs of each group, by its name; undefined where that is not known.
export function Groups({ groups, collected }) {
    return (
        <NamedTable name="Log groups" columns={['Cluster', 'Log group', 'Account', 'Retention', 'Protection', collected && 'Collected by']}>
            {groups.map((group) => (
                <Table.Row key={`${group.account}:${group.name}`}>
                    <Table.Cell>{group.cluster_id}</Table.Cell>
                    <Table.Cell>{group.name}</Table.Cell>
                    <Table.Cell>{group.account}</Table.Cell>
                    <Table.Cell>{retentionOf(group)}</Table.Cell>
                    <Table.Cell>{protectionOf(group)}</Table.Cell>
                    {collected ? <Table.Cell>{(collected[group.name] ?? []).join(', ') || 'no input yet'}</Table.Cell> : null}
                </Table.Row>
            ))}
        </NamedTable>
    );
}

function Permissions({ permissions }) {
    return (
        <NamedTable name="Permissions" columns={['Action', 'On', 'Result', 'Statement to add to the policy']}>
            {permissions.map((one) => (
                <Table.Row key={`${one.action} ${one.entry} ${one.resource}`} data-test-result={one.result}>
                    <Table.Cell>{one.action}</Table.Cell>
                    <Table.Cell>{one.resource === '*' ? one.entry : one.resource}</Table.Cell>
                    <Table.Cell>{RESULT[one.result] ?? one.result}</Table.Cell>
                    <Table.Cell>{one.statement ? <code>{JSON.stringify(one.statement)}</code> : null}</Table.Cell>
                </Table.Row>
            ))}
        </NamedTable>
    );
}

function networkOf(network) {
    const proxy = network.proxy ? `through the proxy ${network.proxy}` : 'without a proxy';
    const ca = network.ca_bundle ? `certificates of ${network.ca_bundle}` : 'built-in certificates';
    return `${network.endpoint}, ${proxy}, ${ca}`;
}

export function Examined({ result }) {
    const { identity, network, permissions, groups, failures } = result;
    return (
        <div data-test-name="examined" aria-live="polite">
            {result.ok ? (
                <Message type="success">AWS can be reached, and all permissions that were tried are there.</Message>
            ) : null}
            {failures.map((failure) => (
                <Message type="error" role="alert" key={failure.what} data-test-name="failure">
                    <strong>{failure.what}</strong> {failure.next_step}
                </Message>
            ))}
            <dl className="cloudhsm-facts">
                <dt>Identity</dt>
                <dd>{identity ? `${identity.arn} in account ${identity.account}` : 'not known: AWS STS did not return it'}</dd>
                <dt>Network path</dt>
                <dd>{network ? networkOf(network) : 'not tried'}</dd>
            </dl>
            {permissions.length ? (
                <>
                    <Heading level={3}>Permissions</Heading>
                    <Permissions permissions={permissions} />
                </>
            ) : null}
            {groups.length ? (
                <>
                    <Heading level={3}>Log groups</Heading>
                    <Groups groups={groups} />
                </>
            ) : null}
        </div>
    );
}

export function Conf({ text }) {
    return <Code language="none" value={text} data-test-name="conf" />;
}
