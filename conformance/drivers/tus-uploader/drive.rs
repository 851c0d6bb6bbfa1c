// Drives tus-uploader; it sends small files with their creation where the server offers that.
use std::{collections::HashMap, process::exit};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use tus_protocol::ChecksumAlgorithm;
use tus_uploader::{Client, FileSource, ParallelUpload};
use url::Url;

type Failure = Box<dyn std::error::Error>;

async fn upload(endpoint: &str, file: &str, mut words: impl Iterator<Item = String>) -> Result<Url, Failure> {
    let mut client = Client::new(Url::parse(endpoint)?);
    let (mut resume, mut parts, mut terminate) = (None, None, false);
    let mut metadata = HashMap::new();
    let mut headers = HeaderMap::new();
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_default();
        match word.as_str() {
            "--chunk" => client = client.with_max_chunk_size(value().parse()?),
            "--resume" => resume = Some(value()),
            "--parallel" => parts = Some(value().parse::<usize>()?),
            "--with-creation" => client = client.with_max_initial_upload_size(usize::MAX),
            "--terminate" => terminate = true,
            "--checksum" => client = client.with_checksum(match value().as_str() {
                "sha1" => ChecksumAlgorithm::Sha1,
                "md5" => ChecksumAlgorithm::Md5,
                "sha256" => ChecksumAlgorithm::Sha256,
                _ => exit(64),
            }),
            "--meta" => drop(value().split_once('=').map(|(k, v)| metadata.insert(k.to_string(), v.to_string()))),
            "--header" => {
                let (name, value) = value().split_once(": ").map(|(n, v)| (n.to_string(), v.to_string())).unwrap_or_default();
                headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(&value)?);
            }
            _ => exit(64),
        }
    }
    let client = client.with_headers(headers);
    let source = FileSource::open(file).await?;
    let size = std::fs::metadata(file)?.len() as usize;
    let parallel = |count| ParallelUpload::new(size.div_ceil(count)).with_max_concurrency(count);
    let info = match (resume, parts) {
        (Some(url), _) => client.upload_at(url)?.upload(source).await?,
        (_, Some(count)) => client.upload_parallel(source, &metadata, parallel(count)).await?,
        _ => client.upload_from(source, &metadata).await?,
    };
    if terminate {
        client.upload_at(info.url())?.terminate().await?;
    }
    Ok(info.url().clone())
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    match upload(&words[1], &words[2], words[3..].iter().cloned()).await {
        Ok(url) => println!("done {url}"),
        Err(error) => { println!("error {}", error.to_string().replace('\n', " ")); exit(1) }
    }
}
