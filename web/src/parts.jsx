// Small parts that several steps use.
import React from 'react';
import { Button, ComboBox, ControlGroup, Message, Select, Table, Text, WaitSpinner } from './ui';
import { REGIONS } from './settings';

// A text field with its label, its help and what is wrong with it.
export function Field({ label, value, onChange, help, error, placeholder, type = 'text', name, ...more }) {
    return (
        <ControlGroup label={label} help={error || help} error={Boolean(error)} labelPosition="top">
            <Text
                value={value}
                onChange={(_, { value: typed }) => onChange(typed)}
                placeholder={placeholder}
                type={type}
                error={Boolean(error)}
                autoComplete="off"
                spellCheck={false}
                name={name}
                data-test-field={name}
                {...more}
            />
        </ControlGroup>
    );
}

export function Choice({ label, value, onChange, options, help, error, name, placeholder, filter = false }) {
    return (
        <ControlGroup label={label} help={error || help} error={Boolean(error)} labelPosition="top">
            <Select
                value={value}
                onChange={(_, { value: chosen }) => onChange(chosen)}
                filter={filter}
                error={Boolean(error)}
                placeholder={placeholder}
                name={name}
                data-test-field={name}
            >
                {options.map(([key, text]) => (
                    <Select.Option key={key} value={key} label={text} />
                ))}
            </Select>
        </ControlGroup>
    );
}

// A Region: one of the list, or one that is newer than this page.
export function Region({ value, onChange, error, name }) {
    const typed = value.trim().toLowerCase();
    const fitting = REGIONS.includes(typed) ? REGIONS : REGIONS.filter((one) => one.includes(typed));
    return (
        <ControlGroup label="Region" help={error} error={Boolean(error)} labelPosition="top">
            <ComboBox value={value} onChange={(_, { value: chosen }) => onChange(chosen)} error={Boolean(error)} name={name} data-test-field={name}>
                {fitting.map((one) => (
                    <ComboBox.Option key={one} value={one} />
                ))}
            </ComboBox>
        </ControlGroup>
    );
}

// What failed, and what to do about it.
export function Failure({ error }) {
    if (!error) {
        return null;
    }
    return (
        <Message type="error" role="alert" data-test-name="failure">
            <strong>{error.message}</strong>
            {error.nextStep ? <> {error.nextStep}</> : null}
        </Message>
    );
}

// A table with a name: Splunk's own takes none.
export function NamedTable({ name, columns, children }) {
    return (
        <div role="group" aria-label={name}>
            <Table stripeRows>
                <Table.Head>
                    {columns.filter(Boolean).map((column) => (
                        <Table.HeadCell key={column}>{column}</Table.HeadCell>
                    ))}
                </Table.Head>
                <Table.Body>{children}</Table.Body>
            </Table>
        </div>
    );
}

// A button for what takes a while; it cannot be pressed twice.
export function BusyButton({ label, busy, busyLabel, onClick, appearance = 'secondary', ...more }) {
    return (
        <Button appearance={appearance} disabled={busy} onClick={onClick} {...more}>
            {busy ? <WaitSpinner screenReaderText={null} style={{ marginRight: 8 }} /> : null}
            {busy ? busyLabel : label}
        </Button>
    );
}

export function errorOf(error, setting) {
    return error?.setting === setting ? [error.message, error.nextStep].filter(Boolean).join('. ') : undefined;
}

// The time since an instant, in words; both in milliseconds.
export function ago(ms, nowMs) {
    if (!ms) {
        return 'never';
    }
    const minutes = Math.max(0, Math.round((nowMs - ms) / 60_000));
    if (minutes < 1) {
        return 'less than a minute ago';
    }
    if (minutes < 120) {
        return `${minutes} min ago`;
    }
    return minutes < 2880 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`;
}
