package toolkit;

/** Anything a user can put right; the message is one line. */
public final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1;

  public Failure(String message) {
    super(message);
  }

  public Failure(String message, Throwable cause) {
    super(message + ": " + reason(cause), cause);
  }

  /** What went wrong, without MXNet's stack trace, on one line. */
  static String reason(Throwable error) {
    String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
    int place = text.lastIndexOf("Error: ");
    if (place >= 0) text = text.substring(place + "Error: ".length());
    int trace = text.indexOf("Stack trace");
    if (trace >= 0) text = text.substring(0, trace);
    return text.replaceAll("\\s+", " ").strip();
  }
}
