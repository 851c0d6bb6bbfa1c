// Drives tus-java-client as its README does, with TusExecutor for the attempts.

import io.tus.java.client.*;
import java.io.File;
import java.net.URL;
import java.util.HashMap;
import java.util.Map;

public class Drive {
    public static void main(String[] words) {
        int chunk = 0;
        String resume = null;
        Map<String, String> metadata = new HashMap<>();
        Map<String, String> headers = new HashMap<>();
        for (int at = 2; at < words.length; at += 2) {
            String value = at + 1 < words.length ? words[at + 1] : "";
            switch (words[at]) {
                case "--chunk" -> chunk = Integer.parseInt(value);
                case "--resume" -> resume = value;
                case "--meta" -> metadata.put(value.split("=", 2)[0], value.split("=", 2)[1]);
                case "--header" -> headers.put(value.split(": ", 2)[0], value.split(": ", 2)[1]);
                default -> System.exit(64);
            }
        }
        try {
            System.out.println("done " + upload(words[0], new File(words[1]), chunk, resume, metadata, headers));
        } catch (Exception error) {
            System.out.println("error " + error.toString().replace('\n', ' '));
            System.exit(1);
        }
    }

    static URL upload(String endpoint, File file, int chunk, String resume,
            Map<String, String> metadata, Map<String, String> headers) throws Exception {
        TusClient client = new TusClient();
        client.setUploadCreationURL(new URL(endpoint));
        client.setHeaders(headers);
        client.enableResuming(new TusURLMemoryStore());
        TusUpload upload = new TusUpload(file);
        if (!metadata.isEmpty()) upload.setMetadata(metadata);
        URL[] url = new URL[1];
        new TusExecutor() {
            @Override
            protected void makeAttempt() throws ProtocolException, java.io.IOException {
                TusUploader uploader = resume == null ? client.resumeOrCreateUpload(upload)
                        : client.beginOrResumeUploadFromURL(upload, new URL(resume));
                url[0] = uploader.getUploadURL();
                if (chunk > 0) {
                    uploader.setChunkSize(chunk);
                    uploader.setRequestPayloadSize(chunk);
                }
                while (uploader.uploadChunk() > -1) { }
                uploader.finish();
            }
        }.makeAttempts();
        return url[0];
    }
}
