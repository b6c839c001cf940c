// Lets the official libraries verify messages: one JSON object a line in, "verified" or the library's complaint out.
import { createInterface } from "node:readline";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const libraries = { standardwebhooks: StandardWebhook, svix: SvixWebhook };

for await (const line of createInterface({ input: process.stdin })) {
  const { library, secret, headers, body } = JSON.parse(line);
  try {
    // The libraries answer with the parsed body. One that is empty is no JSON: that comes after the signature.
    new libraries[library](secret).verify(Buffer.from(body, "base64").toString("utf8"), headers);
    console.log("verified");
  } catch (error) {
    console.log(error instanceof SyntaxError ? "verified" : error.message);
  }
}
