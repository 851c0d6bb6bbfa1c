import { Upload } from 'tus-js-client'

globalThis.supported = ['chunk', 'parallel', 'with-creation', 'resume', 'override', 'terminate']
globalThis.upload = (file, given, sayUrl) => new Promise((resolve, reject) => {
  const options = { endpoint: given.endpoint, metadata: given.metadata, headers: given.headers }
  if (given.chunk) options.chunkSize = Number(given.chunk)
  if (given.parallel) options.parallelUploads = Number(given.parallel)
  if (given['with-creation']) options.uploadDataDuringCreation = true
  if (given.resume) options.uploadUrl = given.resume
  if (given.override) options.overridePatchMethod = true
  const upload = new Upload(file, {
    ...options,
    onUploadUrlAvailable: () => sayUrl(upload.url),
    onError: reject,
    onSuccess: () => {
      const end = () => resolve(upload.url)
      if (given.terminate) Upload.terminate(upload.url, options).then(end, reject)
      else end()
    },
  })
  upload.start()
})
