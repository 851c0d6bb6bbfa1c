// Drives tus_client.
use std::{collections::HashMap, path::Path, process::exit};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tus_client::Client;

fn main() {
    let mut words = std::env::args().skip(1);
    let endpoint = words.next().expect("an endpoint");
    let file = words.next().expect("a file");
    let (mut chunk, mut resume, mut replace, mut terminate) = (None, None, false, false);
    let mut metadata = HashMap::new();
    let mut headers = HeaderMap::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--chunk" => chunk = words.next().and_then(|size| size.parse().ok()),
            "--resume" => resume = words.next(),
            "--override" => replace = true,
            "--terminate" => terminate = true,
            "--meta" => {
                let pair = words.next().unwrap_or_default();
                let (key, value) = pair.split_once('=').unwrap_or((&pair, ""));
                metadata.insert(key.to_string(), value.to_string());
            }
            "--header" => {
                let line = words.next().unwrap_or_default();
                let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
                let value = HeaderValue::from_str(value).expect("a value");
                headers.insert(HeaderName::from_bytes(name.as_bytes()).expect("a name"), value);
            }
            _ => exit(64),
        }
    }
    let http = reqwest::Client::builder().default_headers(headers).build().expect("a client");
    let client = if replace { Client::with_method_override(http) } else { Client::new(http) };
    let path = Path::new(&file);
    let result = (|| {
        let url = match resume {
            Some(url) => url,
            None => client.create_with_metadata(&endpoint, path, metadata)?,
        };
        println!("url {url}");
        match chunk {
            Some(size) => client.upload_with_chunk_size(&url, path, size)?,
            None => client.upload(&url, path)?,
        }
        if terminate {
            client.delete(&url)?;
        }
        Ok::<String, tus_client::Error>(url)
    })();
    match result {
        Ok(url) => println!("done {url}"),
        Err(error) => { println!("error {error}"); exit(1) }
    }
}
