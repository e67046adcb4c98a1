package toolkit;

import com.sun.jna.Function;
import com.sun.jna.Platform;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What Python does as it imports the toolkit, as far as a running program can, before MXNet loads.
 *
 * <p>The rest are environment variables, which `toolkit deploy-info --env` prints.
 */
public final class Native {
  private static final int M_TRIM_THRESHOLD = -1;
  private static final int M_MMAP_THRESHOLD = -3;
  private static final int M_ARENA_MAX = -8;
  private static final long ARCH_PRCTL = 158;
  private static final long REQUEST_PERMISSION = 0x1023;
  private static final long TILE_DATA = 18;

  private Native() {}

  /** Call it first in main. */
  public static void prepare() throws IOException {
    boolean bundled = Native.class.getResource("/native/lib/mxnet.properties") != null;
    if (System.getenv("MXNET_LIBRARY_PATH") == null && !bundled) // DJL would download one
      throw new Failure(
          "MXNET_LIBRARY_PATH does not say where libmxnet.so is: "
              + "run  eval \"$(toolkit deploy-info --env)\"");
    if (!Platform.isLinux() || !Platform.isIntel() || !Platform.is64Bit()) return;
    setenv("MXNET_SUBGRAPH_VERBOSE", "0"); // no line on stderr for each graph that is fused
    // Freed arrays are kept, not mapped anew each time; older glibc takes at most 32 MB.
    if (mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0) mallopt(M_MMAP_THRESHOLD, 1 << 25);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    mallopt(M_ARENA_MAX, 1); // those of other threads are unmapped as soon as they are empty
    String flags = Files.readString(Path.of("/proc/cpuinfo"));
    if (flags.contains("amx_int8") && flags.contains("amx_bf16")) {
      Object[] request = {ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA};
      if (c("syscall").invokeLong(request) == 0) setenv("DNNL_MAX_CPU_ISA", "AVX512_CORE_AMX");
    }
  }

  private static Function c(String name) {
    return Function.getFunction(Platform.C_LIBRARY_NAME, name);
  }

  private static int mallopt(int parameter, int value) {
    return c("mallopt").invokeInt(new Object[] {parameter, value});
  }

  /** In the environment of native code, which is not Java's; what the user set stays. */
  private static void setenv(String name, String value) {
    c("setenv").invokeInt(new Object[] {name, value, 0});
  }
}
