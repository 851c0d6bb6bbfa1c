// salvo-tus on a folder, as its documentation sets it up: salvo-tus-peer PORT FOLDER
use salvo_core::conn::{Listener, TcpListener};
use salvo_core::{Router, Server};
use salvo_tus::Tus;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let tus = Tus::new().path("/files").storage_root(&arguments[2]);
    let acceptor = TcpListener::new(format!("127.0.0.1:{}", arguments[1])).bind().await;
    Server::new(acceptor).serve(Router::new().push(tus.into_router())).await;
}
