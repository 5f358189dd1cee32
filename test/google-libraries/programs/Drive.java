import com.google.api.client.auth.oauth2.TokenResponseException;
import com.google.api.client.googleapis.auth.oauth2.GoogleCredential;
import com.google.api.client.http.GenericUrl;
import com.google.api.client.http.HttpRequestFactory;
import com.google.api.client.http.HttpRequestInitializer;
import com.google.api.client.http.HttpResponse;
import com.google.api.client.http.HttpResponseException;
import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.auth.http.HttpCredentialsAdapter;
import com.google.auth.oauth2.UserCredentials;
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Calls Drive with one of Google's libraries for Java, as it is told line by line, and prints what came of each call.
 *
 * <p>Drive LIBRARY API_BASE GIVEN_JSON, where LIBRARY is google-auth or google-api-client.
 */
public class Drive {
  static final HttpTransport TRANSPORT = new NetHttpTransport();

  /** What has the library get another token. */
  interface Refresh {
    void refresh() throws IOException;
  }

  static HttpRequestInitializer credential;
  static Refresh refresh;

  public static void main(String[] args) throws Exception {
    JsonObject given = new Gson().fromJson(args[2], JsonObject.class);
    if (args[0].equals("google-auth")) useGoogleAuth(given);
    else useApiClient(given);
    HttpRequestFactory requests = TRANSPORT.createRequestFactory(credential);
    GenericUrl url = new GenericUrl(args[1] + "/drive/v3/files/appfolder");
    ExecutorService threads = Executors.newCachedThreadPool();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      Callable<String> call = () -> call(requests, url);
      List<String> outcomes = new ArrayList<>();
      for (Future<String> each : threads.invokeAll(Collections.nCopies(Integer.parseInt(line), call))) {
        outcomes.add(each.get());
      }
      System.out.println(new Gson().toJson(outcomes));
    }
    threads.shutdown();
  }

  static void useGoogleAuth(JsonObject given) {
    UserCredentials credentials =
        UserCredentials.newBuilder()
            .setClientId(given.get("client_id").getAsString())
            .setClientSecret(given.get("client_secret").getAsString())
            .setRefreshToken(given.get("handle").getAsString())
            .setTokenServerUri(URI.create(given.get("token_url").getAsString()))
            .build();
    credential = new HttpCredentialsAdapter(credentials);
    refresh = credentials::refresh;
  }

  static void useApiClient(JsonObject given) {
    GoogleCredential made =
        new GoogleCredential.Builder()
            .setTransport(TRANSPORT)
            .setJsonFactory(new GsonFactory())
            .setClientSecrets(given.get("client_id").getAsString(), given.get("client_secret").getAsString())
            .setTokenServerEncodedUrl(given.get("token_url").getAsString())
            .build();
    made.setRefreshToken(given.get("handle").getAsString());
    credential = made;
    refresh = made::refreshToken;
  }

  static String call(HttpRequestFactory requests, GenericUrl url) {
    try {
      try {
        HttpResponse response = requests.buildGetRequest(url).execute();
        response.disconnect();
        return String.valueOf(response.getStatusCode());
      } catch (TokenResponseException error) {
        throw error;
      } catch (HttpResponseException error) {
        if (error.getStatusCode() != 401) return String.valueOf(error.getStatusCode());
        // The libraries give the API's 401 where the refresh after it failed, and write why into the log alone.
        refresh.refresh();
        return "401";
      }
    } catch (TokenResponseException error) {
      return "TokenResponseException: " + error.getDetails().getError();
    } catch (HttpResponseException error) {
      return "HttpResponseException: " + error.getContent();
    } catch (IOException error) {
      return error.toString();
    }
  }
}
