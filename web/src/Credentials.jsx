// Stored AWS keys and proxy passwords: chosen, added, given another secret. Secrets leave for the password storage only.
import React, { useState } from 'react';
import { ask } from './splunk_web';
import { BusyButton, Failure, Field, errorOf } from './parts';
import { Button, Modal } from './ui';

const BLANK = { name: '', access_key_id: '', secret_access_key: '', user: '', password: '' };

// replaced: the entry that gets another secret; undefined for a new one.
export function CredentialDialog({ kind, proxyUrl, replaced, returnFocus, onClose, onStored }) {
    const [typed, setTyped] = useState({ ...BLANK, name: replaced?.name ?? '' });
    const [error, setError] = useState();
    const [busy, setBusy] = useState(false);
    const change = (name) => (value) => setTyped((before) => ({ ...before, [name]: value }));
    const fields =
        kind === 'aws'
            ? [
                  ['access_key_id', 'Access key ID', 'text', 'aws_access_key_id'],
                  ['secret_access_key', 'Secret access key', 'password', 'aws_secret_access_key'],
              ]
            : [
                  ['user', 'User', 'text', 'user'],
                  ['password', 'Password', 'password', 'password'],
              ];
    const save = async () => {
        setBusy(true);
        setError(undefined);
        const secret = Object.fromEntries(fields.map(([name]) => [name, typed[name]]));
        try {
            await ask('cloudhsm/credential', {
                kind,
                name: typed.name.trim(),
                ...secret,
                ...(kind === 'proxy' ? { proxy_url: proxyUrl } : {}),
                ...(replaced ? { replaces: replaced.user_end } : {}),
            });
            onStored(typed.name.trim());
        } catch (failure) {
            setError(failure);
            setBusy(false);
        }
    };
    const inField = ['name', ...fields.map(([, , , setting]) => setting)];
    const title = kind === 'aws' ? 'AWS keys' : `User of the proxy ${proxyUrl}`;
    return (
        <Modal open onRequestClose={busy ? undefined : onClose} returnFocus={returnFocus} style={{ width: 520 }}>
            <Modal.Header title={replaced ? `Replace ${replaced.name}` : title} />
            <Modal.Body>
                {error && !inField.includes(error.setting) ? <Failure error={error} /> : null}
                {replaced ? null : (
                    <Field
                        label="Name"
                        name="credential_name"
                        value={typed.name}
                        onChange={change('name')}
                        help="How inputs refer to it: letters, digits and _ . @ -"
                        error={errorOf(error, 'name')}
                    />
                )}
                {fields.map(([name, label, type, setting]) => (
                    <Field
                        key={name}
                        label={label}
                        name={name}
                        type={type}
                        value={typed[name]}
                        onChange={change(name)}
                        error={errorOf(error, setting)}
                    />
                ))}
            </Modal.Body>
            <Modal.Footer>
                <Button appearance="secondary" label="Cancel" onClick={onClose} disabled={busy} />
                <BusyButton appearance="primary" label="Store" busy={busy} busyLabel="Storing" onClick={save} />
            </Modal.Footer>
        </Modal>
    );
}
