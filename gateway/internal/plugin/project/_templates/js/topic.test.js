import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, transform } from './topic.js';

// A host with one header field, which keeps what is set.
function hostOf(subject) {
  const set = {};
  const lines = [];
  return {
    set, lines,
    headers: { get: (name) => (name.toLowerCase() === 'subject' && subject !== undefined ? [subject] : []) },
    log: { write: (level, message, fields) => lines.push({ level, message, fields }) },
    payload: { set: (pointer, json) => { set[pointer] = JSON.parse(json); } },
  };
}

for (const [subject, want] of [
  ['[Orders] Where is it?', 'orders'],
  ['Re: Fwd: [orders] Where is it', 'orders'],
  ['Where is [it]?', 'general'],
  ['[<script>] Hi', 'general'],
  [undefined, 'general'],
]) {
  test(`the topic of ${subject}`, () => {
    const host = hostOf(subject);
    transform(host, check({}));
    assert.deepEqual(host.set, { '/topic': want });
    assert.equal(host.lines.length, want === 'general' ? 1 : 0);
  });
}

test('options', () => {
  assert.deepEqual(check({}), { default: 'general' });
  assert.deepEqual(check({ default: 'other' }), { default: 'other' });
  assert.throws(() => check({ default: '' }), /option "default": want a string/);
  assert.throws(() => check({ defualt: 'other' }), /there is no option "defualt"/);
});
