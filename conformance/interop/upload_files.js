// Upload files of a folder with tus-js-client, several at once, and say where each one went.
//
//     NODE_PATH=.../node_modules node upload_files.js ENDPOINT FOLDER
const fs = require("node:fs")
const path = require("node:path")
const tus = require("tus-js-client")

const [endpoint, folder] = process.argv.slice(2)
const names = fs.readdirSync(folder).sort()

function upload(name, number) {
  const content = fs.readFileSync(path.join(folder, name))
  const ways = [{}, { chunkSize: 100_000 }, { uploadDataDuringCreation: true }, { chunkSize: 65_536 }]
  return new Promise((resolve, reject) => {
    const job = new tus.Upload(content, {
      endpoint,
      metadata: { filename: name },
      retryDelays: [0, 10, 20, 50, 100, 100, 100, 100, 100, 100],
      // A creation that was lost is made anew; everything else is resumed.
      onShouldRetry: () => true,
      onError: reject,
      onSuccess: () => resolve(job.url),
      ...ways[number % ways.length],
    })
    job.start()
  })
}

async function worker(queue) {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [name, number] = next
    console.log(`${name} ${await upload(name, number)}`)
  }
}

const queue = names.map((name, number) => [name, number])
Promise.all([worker(queue), worker(queue), worker(queue)]).then(
  () => process.exit(0),
  (error) => {
    console.error(String(error))
    process.exit(1)
  },
)
