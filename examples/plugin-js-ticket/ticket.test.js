import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, ticketIn, transform } from './ticket.js';

for (const [subject, want] of [
  ['Re: [#1234] The gate squeaks', 1234],
  ['Fwd: [#1] was [#2]', 1],
  ['#1234, [1234], [#x], [#]', null],
  ['[#99999999999999999999]', null],
  ['[#ACME-7]', null],
  ['', null],
]) {
  test(`the ticket in ${JSON.stringify(subject)}`, () => assert.equal(ticketIn(subject, check({})), want));
}

test('a prefix', () => {
  assert.equal(ticketIn('[#7] [#ACME-8]', check({ prefix: 'ACME' })), 8);
  assert.throws(() => check({ prefix: '(a+)+' }), /option "prefix": want up to ten capital letters/);
  assert.throws(() => check({ prefiks: 'A' }), /there is no option "prefiks"/);
});

test('the payload and the log', () => {
  const set = [];
  const logged = [];
  const host = (fields) => ({
    headers: { get: () => fields },
    log: { write: (...line) => logged.push(line) },
    payload: { set: (...edit) => set.push(edit) },
  });
  transform(host(['Re: [#1234] Hi', 'a second one']), check({}));
  transform(host([]), check({}));
  assert.deepEqual(set, [['/ticket', '1234'], ['/ticket', 'null']]);
  assert.deepEqual(logged, [['info', 'the subject names a ticket', [['ticket', '1234']]]]);
});
