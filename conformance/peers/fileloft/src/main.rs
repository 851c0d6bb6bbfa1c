// fileloft on a folder, as its documentation sets it up: fileloft-peer PORT FOLDER
use std::sync::Arc;

use fileloft_axum::tus_router;
use fileloft_core::{Config, TusHandler};
use fileloft_store_fs::{FileLocker, FileStore};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().collect();
    let store = FileStore::new(&arguments[2]);
    let locker = FileLocker::new(format!("{}/locks", arguments[2]));
    let handler = Arc::new(TusHandler::new(store, Some(locker), Config::default()));
    let app = axum::Router::new().nest("/files", tus_router(handler));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{}", arguments[1])).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
