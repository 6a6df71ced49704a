// Finds the ticket that a subject names, such as 1234 of "Re: [#1234] The gate squeaks",
// and sets /ticket to it.

/** Holds the options of the plugin's block to what they are to be; called when the gateway starts. */
export function check(options) {
  const { prefix = '', ...unknown } = options;
  for (const name of Object.keys(unknown)) throw new Error(`there is no option ${JSON.stringify(name)}`);
  if (typeof prefix !== 'string' || !/^[A-Z]{0,10}$/.test(prefix)) {
    throw new Error('option "prefix": want up to ten capital letters, such as "ACME" for [#ACME-1234]');
  }
  return { prefix };
}

/** Returns the number of the first ticket in a subject, or null. */
export function ticketIn(subject, { prefix }) {
  // Up to nine digits: what is longer is no ticket of anybody's.
  const form = new RegExp(`\\[#${prefix && `${prefix}-`}([0-9]{1,9})\\]`);
  const found = form.exec(subject);
  return found && Number(found[1]);
}

/** Works on one delivery. host has the interfaces of wit/world.wit. */
export function transform(host, options) {
  const [subject = ''] = host.headers.get('Subject');
  const ticket = ticketIn(subject, options);
  if (ticket !== null) host.log.write('info', 'the subject names a ticket', [['ticket', String(ticket)]]);
  host.payload.set('/ticket', JSON.stringify(ticket));
}
