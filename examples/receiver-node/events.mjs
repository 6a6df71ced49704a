// Receives the events of Postern: verifies each one, drops those that came before, and decides
// what is to be done. It prints that, one line of JSON per event.
//
//   WEBHOOK_SECRET=whsec_… PORT=8082 node events.mjs

import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const secret = process.env.WEBHOOK_SECRET;
if (!secret) {
  console.error("WEBHOOK_SECRET is not set: give it the signing secret of the endpoint (whsec_…)");
  process.exit(2);
}
const webhook = new Webhook(secret);

// What you do about an event: page somebody, update a status, open a ticket.
function notify(severity, message, event) {
  const { account, endpoint, scanner, plugin, disk, data, date } = event;
  console.log(JSON.stringify({
    severity, message, about: account ?? endpoint ?? scanner ?? plugin ?? disk,
    error: data.response, code: data.serverResponseCode, timestamp: date, id: event.eventId,
  }));
}

function handleConnectError(event) {
  switch (event.data.serverResponseCode) {
    case "ECONNREFUSED":
    case "ECONNRESET":
    case "ECONNABORTED":
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
      return notify("critical", "the mail server is not to be reached", event);
    case "ENOTFOUND":
      return notify("warning", "the mail server's name is not in DNS: check the host", event);
    case "CERT_HAS_EXPIRED":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return notify("warning", "the mail server's certificate is not to be trusted", event);
    default: // no code, or one that is new
      return notify("warning", "the connection has failed", event);
  }
}

function handleEvent(event) {
  switch (event.event) {
    case "connectError":
      return handleConnectError(event);
    case "authenticationError":
      return notify("critical", "the login is refused: new credentials are needed", event);
    case "accountDisabled":
      return notify("critical", "the account is switched off until somebody enables it", event);
    case "delivery.failed":
      return notify("critical", "a mail was not delivered: find it by `postern message show`", event);
    case "scanner.down":
    case "plugin.failing":
    case "disk.low":
      return notify("critical", "the gateway needs somebody to look at it", event);
    case "connectSuccess":
    case "authenticationSuccess":
    case "scanner.recovered":
    case "plugin.recovered":
    case "disk.recovered":
      return notify("resolved", "it is over", event);
    case "connectReset":
    case "authenticationReset": // whether the new settings work is not known yet
      return notify("info", "what failed is set up anew, or is there no more", event);
    default: // a later version may have others
      return notify("info", event.event, event);
  }
}

// Postern delivers at least once. An application would keep the ids where it keeps its data.
const seen = new Set();

async function receive(request) {
  if (request.method !== "POST") {
    return 405;
  }
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > 64 * 1024) {
      return 413; // no event is so long
    }
    chunks.push(chunk);
  }
  let event;
  try {
    event = webhook.verify(Buffer.concat(chunks), request.headers); // over the exact bytes
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) {
      throw error;
    }
    console.error(`refused: ${error.message}`);
    return 401;
  }
  if (!seen.has(event.eventId)) {
    handleEvent(event);
    seen.add(event.eventId); // once it is handled: if that fails, it is to come again
    if (seen.size > 10_000) {
      seen.delete(seen.values().next().value); // the oldest
    }
  }
  return 204;
}

const server = createServer(async (request, response) => {
  let code = 500; // Postern will try again
  try {
    code = await receive(request);
  } catch (error) {
    console.error(error);
  }
  response.writeHead(code, code === 413 ? { Connection: "close" } : {}).end();
});

server.listen(Number(process.env.PORT ?? 8082), "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: server.address().port }));
});
