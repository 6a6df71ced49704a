// Receives webhooks of Postern: verifies each one, drops those that came
// before, and prints one line of JSON per delivery.
//
//   WEBHOOK_SECRET=whsec_… PORT=8081 node receiver.mjs

import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const MAX_BODY = 64 * 1024 * 1024;
const REMEMBERED_IDS = 10_000;

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error("WEBHOOK_SECRET is not set: give it the signing secret of the endpoint (whsec_…)");
  process.exit(2);
}
const webhook = new Webhook(secret);

// Postern delivers at least once: an answer that was lost makes it send again,
// under the same webhook-id. An application would keep the ids where it keeps
// its data, and write both in one transaction.
const seen = new Set();

function isDuplicate(id) {
  if (seen.has(id)) {
    return true;
  }
  seen.add(id);
  if (seen.size > REMEMBERED_IDS) {
    seen.delete(seen.values().next().value); // a Set keeps the order: the oldest
  }
  return false;
}

// readBody returns the body's exact bytes. The signature is over these: parse
// them first and print them again, and it no longer matches.
async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) {
      return null;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function receive(request) {
  if (request.method !== "POST") {
    return 405;
  }
  const body = await readBody(request);
  if (body === null) {
    return 413;
  }
  let payload;
  try {
    // Checks the signature and that the timestamp is at most 5 minutes off.
    payload = webhook.verify(body, request.headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) {
      throw error;
    }
    console.error(`refused: ${error.message}`);
    return 401;
  }
  const id = request.headers["webhook-id"];
  if (!isDuplicate(id)) {
    const what = payload.event ? { event: payload.event } : { subject: payload.message?.subject ?? null };
    console.log(JSON.stringify({ verified: true, id, ...what }));
  }
  return 204; // for a duplicate too, or it would be sent again
}

const server = createServer(async (request, response) => {
  let code;
  try {
    code = await receive(request);
  } catch (error) {
    console.error(error);
    code = 500; // Postern will try again
  }
  const headers = code === 405 ? { Allow: "POST" } : code === 413 ? { Connection: "close" } : {};
  response.writeHead(code, headers).end();
});

server.listen(Number(process.env.PORT ?? 8081), "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: server.address().port }));
});
