// Signs and posts as Svix and Standard Webhooks do, with their official libraries and node's own HTTP client. One JSON
// object a line in (library, secret, id, seconds, body in base64, altered), one a line out (status, type, body).
import { request } from "node:http";
import { createInterface } from "node:readline";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";

const [url] = process.argv.slice(2);
const libraries = { standardwebhooks: [StandardWebhook, "webhook"], svix: [SvixWebhook, "svix"] };

function post(headers, body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers }, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        resolve({ status: answer.statusCode, type: answer.headers["content-type"] ?? "", body: text });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const { library, secret, id, seconds, body, altered } = JSON.parse(line);
  const [Webhook, family] = libraries[library];
  const text = Buffer.from(body, "base64").toString("utf8");
  const headers = {
    "content-type": "application/json",
    [`${family}-id`]: id,
    [`${family}-timestamp`]: String(seconds),
    [`${family}-signature`]: new Webhook(secret).sign(id, new Date(seconds * 1000), text),
  };
  console.log(JSON.stringify(await post(headers, text + (altered ?? ""))));
}
