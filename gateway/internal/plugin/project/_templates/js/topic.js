// Sets /topic in the payload to the word in brackets that a subject begins with, such as
// "orders" of "Re: [Orders] Where is it?".

// A mail is a stranger's: what has another form is no topic.
const topicForm = /^(?:(?:re|fwd?):\s*)*\[([a-z0-9-]{1,40})\]/i;

/** Holds the options of the plugin's block to what they are to be; called when the gateway starts. */
export function check(options) {
  const { default: topic = 'general', ...unknown } = options;
  for (const name of Object.keys(unknown)) throw new Error(`there is no option ${JSON.stringify(name)}`);
  if (typeof topic !== 'string' || topic === '') throw new Error('option "default": want a string that is not empty');
  return { default: topic };
}

/** Works on one delivery. host has the interfaces of wit/world.wit. */
export function transform(host, options) {
  const [subject = ''] = host.headers.get('Subject');
  const found = topicForm.exec(subject);
  if (!found) host.log.write('info', 'the subject names no topic', [['topic', options.default]]);
  const topic = found ? found[1].toLowerCase() : options.default;
  host.payload.set('/topic', JSON.stringify(topic));
}
