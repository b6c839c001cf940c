// Asks the official libraries, one JSON object a line in and one answer a line out: for the signature of a message,
// or whether they verify one ("verified", or the library's complaint).
import { createInterface } from "node:readline";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const libraries = { standardwebhooks: StandardWebhook, svix: SvixWebhook };

for await (const line of createInterface({ input: process.stdin })) {
  const { library, secret, id, seconds, headers, body } = JSON.parse(line);
  const webhook = new libraries[library](secret);
  const text = Buffer.from(body, "base64").toString("utf8");
  try {
    if (headers === undefined) {
      console.log(webhook.sign(id, new Date(seconds * 1000), text));
    } else {
      // The libraries answer with the parsed body. One that is empty is no JSON: that comes after the signature.
      webhook.verify(text, headers);
      console.log("verified");
    }
  } catch (error) {
    console.log(error instanceof SyntaxError ? "verified" : error.message);
  }
}
