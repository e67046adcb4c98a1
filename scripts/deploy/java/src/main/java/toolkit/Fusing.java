package toolkit;

import ai.djl.mxnet.engine.MxNDManager;
import ai.djl.mxnet.engine.Symbol;
import ai.djl.mxnet.jna.LibUtils;
import com.sun.jna.Function;
import com.sun.jna.Library;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.Map;

/** Puts MXNet's fused oneDNN operators into a graph, as Python and the C predict API do. */
final class Fusing {
  private static final String BACKEND = "MKLDNN"; // the name MXNet knows oneDNN by
  private static final int CPU = 1;
  // MXNet exports a libjpeg of its own, which Java's pictures must not be read with.
  private static final Map<String, Integer> LOCAL = Map.of(Library.OPTION_OPEN_FLAGS, 1);

  private Fusing() {}

  /**
   * The graph in fused operators.
   *
   * <p>DJL has a call for this, too; it passes the arguments of an older MXNet and crashes 1.9.1.
   */
  static Symbol fuse(MxNDManager manager, Symbol symbol) {
    NativeLibrary library = NativeLibrary.getInstance(LibUtils.getLibName(), LOCAL);
    PointerByReference fused = new PointerByReference();
    Pointer none = Pointer.NULL;
    IntByReference[] counts = {new IntByReference(), new IntByReference()};
    PointerByReference[] made = new PointerByReference[4];
    for (int i = 0; i < made.length; i++) made[i] = new PointerByReference();
    int inferNothing = 1;
    Object[] arguments = {
      symbol.getHandle(), BACKEND, CPU, fused,
      0, none, 0, none, // parameters
      0, none, none, // options
      0, none, none, none, 0, none, none, 0, none, none, // shapes, types and layouts of inputs
      inferNothing,
      counts[0], made[0], made[1], counts[1], made[2], made[3] // new parameters: there are none
    };
    call(library, "MXOptimizeForBackend", arguments);
    PointerByReference json = new PointerByReference();
    call(library, "MXSymbolSaveToJSON", fused.getValue(), json);
    String text = json.getValue().getString(0, "UTF-8");
    call(library, "MXSymbolFree", fused.getValue());
    symbol.close();
    return Symbol.loadJson(manager, text);
  }

  private static void call(NativeLibrary library, String name, Object... arguments) {
    if (library.getFunction(name).invokeInt(arguments) != 0) {
      Function error = library.getFunction("MXGetLastError");
      throw new Failure(name + ": " + error.invokeString(new Object[0], false));
    }
  }
}
