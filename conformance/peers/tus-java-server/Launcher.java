// tus-java-server in Jetty, as its documentation sets it up: java Launcher.java PORT FOLDER
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetSocketAddress;
import me.desair.tus.server.TusFileUploadService;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;

public class Launcher {
    static class Uploads extends HttpServlet {
        private final TusFileUploadService service;

        Uploads(String folder) {
            service = new TusFileUploadService().withUploadUri("/files").withStoragePath(folder);
        }

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response)
                throws IOException {
            service.process(request, response);
        }
    }

    public static void main(String[] arguments) throws Exception {
        int port = Integer.parseInt(arguments[0]);
        Server server = new Server(new InetSocketAddress("127.0.0.1", port));
        ServletContextHandler context = new ServletContextHandler("/");
        context.addServlet(new ServletHolder(new Uploads(arguments[1])), "/files/*");
        server.setHandler(context);
        server.start();
        server.join();
    }
}
