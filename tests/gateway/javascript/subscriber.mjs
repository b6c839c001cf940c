// A subscriber as somebody would write one: node's own HTTP server, and a module that receives. The first segment of
// the path names the module in the folder that is given. Tells its port, then what came and what was made of it.
import { createServer } from "node:http";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);

async function answer(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const name = request.url.split("/")[1];
  const told = { name, id: request.headers["webhook-id"] };
  try {
    const { receive } = await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
    console.log(JSON.stringify({ ...told, event: receive(Buffer.concat(pieces), request.headers) }));
    return 204;
  } catch (error) {
    console.log(JSON.stringify({ ...told, error: error.message }));
    return 401;
  }
}

const server = createServer(async (request, response) => {
  response.writeHead(await answer(request));
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
