// One session of tus-js-client, to be recorded: parts in parallel, a deferred length, bytes with the
// creation, and an upload that is broken off, resumed and finished.
//
//     NODE_PATH=.../node_modules node session.js ENDPOINT
const crypto = require("node:crypto")
const { Readable } = require("node:stream")
const tus = require("tus-js-client")

const endpoint = process.argv[2]
const content = crypto.randomBytes(600_017)

function upload(source, options) {
  return new Promise((resolve, reject) => {
    const job = new tus.Upload(source, {
      endpoint,
      retryDelays: [0, 100],
      metadata: { filename: "secret plans.bin", filetype: "application/x-test" },
      headers: { Authorization: "Bearer very-secret" },
      onError: reject,
      onSuccess: () => resolve(job),
      ...options,
    })
    job.start()
  })
}

async function resumed() {
  const large = crypto.randomBytes(20_000_003)
  const first = new tus.Upload(large, { endpoint })
  const url = await new Promise((resolve) => {
    first.options.onProgress = (sent) => {
      if (sent > 3_000_000) first.abort().then(() => resolve(first.url))
    }
    first.start()
  })
  await upload(large, { uploadUrl: url, endpoint: null })
}

const ways = {
  parallel: () => upload(content, { parallelUploads: 3 }),
  deferred: () => upload(Readable.from([content]), { uploadLengthDeferred: true, chunkSize: 250_000 }),
  creation: () => upload(content, { uploadDataDuringCreation: true, chunkSize: 250_000 }),
  resumed,
}

async function main() {
  for (const name of process.argv.slice(3)) {
    await ways[name]()
    console.log(`${name}: done`)
  }
  process.exit(0)
}

main()
