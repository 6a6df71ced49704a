// What the gateway calls, by the contract in wit/. What the plugin does is in topic.js,
// which imports nothing of the gateway's and so runs in Node too.
import * as headers from 'postern:plugin/headers@0.1.0';
import * as log from 'postern:plugin/log@0.1.0';
import * as payload from 'postern:plugin/payload@0.1.0';
import { check, transform } from './topic.js';

// Set once, before the snapshot that every run starts from. Anything else that is kept in
// a variable is gone by the next mail.
let options;

export const transformer = {
  configure(text) {
    told(() => { options = check(JSON.parse(text)); });
  },
  transform() {
    told(() => transform({ headers, log, payload }, options));
  },
};

// The gateway is told why something failed by a string that is thrown. Any other value
// that is thrown, such as an Error, would end the run without a word.
function told(work) {
  try {
    work();
  } catch (e) {
    if (e?.stack) log.write('debug', String(e.stack), []);
    // What the payload refuses has a payload itself: the edit-error of the contract.
    const refused = e?.payload?.tag;
    throw refused ? `payload: ${[refused, e.payload.val].filter(Boolean).join(': ')}` : String(e?.message ?? e);
  }
}
