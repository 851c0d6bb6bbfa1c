// Drives tusc.
use std::{path::Path, process::exit};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tusc::{TusClient, TusError, Url};

#[tokio::main]
async fn main() {
    let mut words = std::env::args().skip(1);
    let endpoint = words.next().expect("an endpoint");
    let file = words.next().expect("a file");
    let (mut chunk, mut resume, mut terminate) = (None, None, false);
    let mut pairs = Vec::new();
    let mut headers = HeaderMap::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--chunk" => chunk = words.next().and_then(|size| size.parse().ok()),
            "--resume" => resume = words.next(),
            "--terminate" => terminate = true,
            "--meta" => pairs.push(words.next().unwrap_or_default()),
            "--header" => {
                let line = words.next().unwrap_or_default();
                let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
                let value = HeaderValue::from_str(value).expect("a value");
                headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
            }
            _ => exit(64),
        }
    }
    let metadata: Vec<_> = pairs.iter().map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let path = Path::new(&file);
    let result = async {
        let mut client = TusClient::new(&endpoint)?.with_headers(headers);
        if let Some(size) = chunk {
            client = client.with_chunk_size(size);
        }
        let url = match resume {
            Some(url) => Url::parse(&url)?,
            None => {
                let size = path.metadata()?.len();
                client.create(size, (!metadata.is_empty()).then_some(metadata.as_slice())).await?
            }
        };
        println!("url {url}");
        client.upload(&url, path).await?;
        if terminate {
            client.delete(&url).await?;
        }
        Ok::<Url, TusError>(url)
    }
    .await;
    match result {
        Ok(url) => println!("done {url}"),
        Err(error) => { println!("error {error}"); exit(1) }
    }
}
