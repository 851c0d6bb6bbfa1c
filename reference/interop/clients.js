// Upload with tus-js-client in every way it knows, and tell what the server has then.
//
//     NODE_PATH=.../node_modules node clients.js ENDPOINT
const crypto = require("node:crypto")
const { Readable } = require("node:stream")
const tus = require("tus-js-client")

const endpoint = process.argv[2]
const content = crypto.randomBytes(3 * 1024 * 1024 + 17)

function upload(source, options) {
  return new Promise((resolve, reject) => {
    const job = new tus.Upload(source, {
      endpoint,
      retryDelays: [0, 100],
      metadata: { filename: "würst.bin", filetype: "application/x-test", empty: "" },
      onError: reject,
      onSuccess: () => resolve(job),
      ...options,
    })
    job.start()
  })
}

async function stored(url) {
  const answer = await fetch(url)
  return answer.status === 200 ? Buffer.from(await answer.arrayBuffer()) : answer.status
}

// With a file stream, version 4.3.1 waits for ever for its last chunk, whatever the server.
// An upload that the client calls a success is read back.
const ways = {
  whole: () => upload(content, {}),
  chunked: () => upload(content, { chunkSize: 1000_003 }),
  "parallel": () => upload(content, { parallelUploads: 3 }),
  "deferred length": () => upload(Readable.from([content]), { uploadLengthDeferred: true, chunkSize: 500_000 }),
  "data during creation": () => upload(content, { uploadDataDuringCreation: true, chunkSize: 1000_000 }),
  "method override": () => upload(content, { overridePatchMethod: true, chunkSize: 2000_000 }),
}

async function empty() {
  const job = await upload(Buffer.alloc(0), {})
  return (await stored(job.url)).length === 0
}

async function resumed() {
  const first = new tus.Upload(content, { endpoint, chunkSize: 400_000 })
  const url = await new Promise((resolve) => {
    first.options.onProgress = (sent) => {
      if (sent > 1000_000) first.abort().then(() => resolve(first.url))
    }
    first.start()
  })
  const job = await upload(content, { uploadUrl: url, endpoint: null })
  return content.equals(await stored(job.url))
}

async function terminated() {
  const job = await upload(content, {})
  await job.abort(true)
  return [404, 410].includes(await stored(job.url))
}

async function main() {
  let failures = 0
  const tell = (name, good) => {
    console.log(`tus-js-client, ${name}: ${good ? "ok" : "FAILED"}`)
    if (!good) failures += 1
  }
  for (const [name, way] of Object.entries(ways)) {
    try {
      const job = await way()
      tell(name, content.equals(await stored(job.url)))
    } catch (error) {
      tell(`${name} (${error})`, false)
    }
  }
  tell("empty", await empty())
  tell("resumed", await resumed())
  tell("terminated", await terminated())
  process.exit(failures ? 1 : 0)
}

main()
