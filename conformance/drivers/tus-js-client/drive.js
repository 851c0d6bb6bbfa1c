// Drives tus-js-client in Node.
const fs = require('node:fs')
const { PassThrough } = require('node:stream')
const tus = require('tus-js-client')

const [endpoint, file, ...words] = process.argv.slice(2)
const options = { endpoint, metadata: {}, headers: {} }
let resume = false
let terminate = false
let source = null
while (words.length > 0) {
  const word = words.shift()
  if (word === '--chunk') options.chunkSize = Number(words.shift())
  else if (word === '--parallel') options.parallelUploads = Number(words.shift())
  else if (word === '--defer') options.uploadLengthDeferred = true
  else if (word === '--with-creation') options.uploadDataDuringCreation = true
  else if (word === '--resume') { options.uploadUrl = words.shift(); resume = true }
  else if (word === '--override') options.overridePatchMethod = true
  else if (word === '--terminate') terminate = true
  else if (word === '--meta') {
    const pair = words.shift()
    options.metadata[pair.slice(0, pair.indexOf('='))] = pair.slice(pair.indexOf('=') + 1)
  } else if (word === '--header') {
    const [name, value] = words.shift().split(/: (.*)/s)
    options.headers[name] = value
  } else process.exit(64)
}
source = fs.createReadStream(file)
if (options.uploadLengthDeferred) {
  source = source.pipe(new PassThrough()) // a stream whose size cannot be found out
  options.chunkSize ||= 1 << 20
}
if (options.parallelUploads) { source = fs.readFileSync(file) }
const fail = (error) => { console.log('error', String(error.message || error).replaceAll('\n', ' ')); process.exit(1) }
const upload = new tus.Upload(source, {
  ...options,
  onUploadUrlAvailable: () => console.log('url', upload.url),
  onError: fail,
  onSuccess: () => {
    const end = () => { console.log('done', upload.url); process.exit(0) }
    if (terminate) tus.Upload.terminate(upload.url, options).then(end, fail)
    else end()
  },
})
process.on('uncaughtException', fail)
upload.start()
