// Checks every operator of this folder against double precision and, on a GPU, times it. One JSON line a case on
// standard output.
//
//   runner check [OP]                                  values, poisoned outputs, red zones, two runs to the bit, two seeds; on the
//                                                      emulator also six schedules to the bit; --quick: one run, one seed
//   runner mutations [OP]                              emulator: each synchronisation is left out once; somebody must notice
//   runner large [OP]                                  GPU: the checks on the shapes that are timed
//   runner time [OP] --copy TB/s --gemm TFLOP/s        GPU: median and quartiles of 50 samples, beside the ceilings given
#include "harness.h"

#if !defined(JC_GPU)
#include "../emu/emu.h"
#endif

using namespace test;

namespace {

Cases all_cases() {
  Cases c;
  add_attention(c);
  add_attention_gradient(c);
  add_contrastive_loss(c);
  add_layer_norm(c);
  add_activation(c);
  add_adamw(c);
  add_conv3x3(c);
  return c;
}

struct Outcome {
  std::string trouble;  // empty: fine
  std::vector<Measure> measures;
  std::vector<std::vector<unsigned char>> bytes;
};

void finish_device(Outcome& r) {
#if defined(JC_GPU)
  const cudaError_t e = cudaDeviceSynchronize();
  if (e != cudaSuccess) {
    std::fprintf(stderr, "device error: %s\n", cudaGetErrorString(e));
    std::exit(3);
  }
  (void)r;
#else
  if (!emu::error().empty()) r.trouble = emu::error();  // says more than the status
  emu::clear_error();
#endif
}

Outcome run_once(const Problem& p, bool compare) {
  jc_cuda_context context{};
  Outcome r;
  for (const auto& m : p.outputs) m->poison();
  p.reset();
  const int32_t status = p.run(&context.base, 0);
  if (status != JC_OK) r.trouble = text("status %d: %s", int(status), context.base.message);
  finish_device(r);
  if (!r.trouble.empty()) return r;
  for (const auto& m : p.outputs) r.bytes.push_back(m->download<unsigned char>());
  for (const auto& m : p.memory)
    if (!m->zones_intact()) r.trouble = "wrote outside a buffer";
  if (compare) {
    r.measures = p.compare();
    for (const Measure& m : r.measures)
      if (!(m.error <= m.bound) && r.trouble.empty())
        r.trouble = text("%s: error %.3g, bound %.3g", m.what.c_str(), m.error, m.bound);
  }
  return r;
}

#if !defined(JC_GPU)
const std::pair<uint64_t, emu::Copies> kSchedules[] = {{0, emu::Copies::late},   {1, emu::Copies::early},
                                                       {2, emu::Copies::random}, {3, emu::Copies::late},
                                                       {4, emu::Copies::early},  {5, emu::Copies::random}};
#endif

std::string quoted(const std::string& s) {
  std::string q = "\"";
  for (char c : s) q += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c < ' ' ? ' ' : c);
  return q + "\"";
}

bool check(const Case& c, uint64_t seed, bool quick) {
  const Problem p = c.make({seed, 1});
#if !defined(JC_GPU)
  emu::schedule(0, emu::Copies::late);
#endif
  Outcome first = run_once(p, true);
  if (first.trouble.empty() && !quick) {
    const Outcome second = run_once(p, false);
    if (!second.trouble.empty())
      first.trouble = "second run: " + second.trouble;
    else if (second.bytes != first.bytes)
      first.trouble = "two runs differ";
  }
  (void)quick;
#if !defined(JC_GPU)
  for (size_t i = 1; i < std::size(kSchedules) && first.trouble.empty() && seed == 1 && !quick; ++i) {
    emu::schedule(kSchedules[i].first, kSchedules[i].second);
    const Outcome other = run_once(p, false);
    if (!other.trouble.empty())
      first.trouble = text("schedule %zu: ", i) + other.trouble;
    else if (other.bytes != first.bytes)
      first.trouble = text("schedule %zu gives other bits", i);
  }
#endif
  std::string measures;
  for (const Measure& m : first.measures)
    measures += text("%s{\"what\":\"%s\",\"error\":%.3g,\"bound\":%.3g}", measures.empty() ? "" : ",", m.what.c_str(),
                     m.error < INFINITY ? m.error : 1e300, m.bound);
  std::printf("{\"op\":\"%s\",\"shape\":\"%s\",\"seed\":%d,\"ok\":%s,\"errors\":[%s]%s%s}\n", p.op.c_str(),
              p.shape.c_str(), int(seed), first.trouble.empty() ? "true" : "false", measures.c_str(),
              first.trouble.empty() ? "" : ",\"trouble\":", first.trouble.empty() ? "" : quoted(first.trouble).c_str());
  std::fflush(stdout);
  return first.trouble.empty();
}

#if !defined(JC_GPU)
// Leaves out one synchronisation after the other. Each must be missed by some case under some schedule.
bool mutations(const Cases& cases) {
  bool good = true;
  std::vector<Problem> problems;
  for (const Case& c : cases)
    if (c.mutates) problems.push_back(c.make({1, 1}));
  std::vector<Outcome> right;
  for (const Problem& p : problems) {
    emu::schedule(0, emu::Copies::late);
    right.push_back(run_once(p, true));
    if (!right.back().trouble.empty())
      return std::printf("{\"ok\":false,\"trouble\":%s}\n", quoted(right.back().trouble).c_str()), false;
  }
  for (const std::string& site : emu::synchronisations()) {
    std::string noticed;
    emu::drop(site);
    for (size_t i = 0; i < problems.size() && noticed.empty(); ++i)
      for (const auto& [seed, copies] : kSchedules) {
        emu::schedule(seed, copies);
        const Outcome r = run_once(problems[i], true);
        if (!r.trouble.empty())
          noticed = r.trouble;
        else if (r.bytes != right[i].bytes)
          noticed = "other bits";
        if (!noticed.empty()) break;
      }
    emu::drop("");
    std::printf("{\"left out\":\"%s\",\"ok\":%s,\"noticed\":%s}\n", site.c_str(), noticed.empty() ? "false" : "true",
                quoted(noticed).c_str());
    std::fflush(stdout);
    good &= !noticed.empty();
  }
  return good;
}
#else
// 50 samples; a sample is a captured sequence of launches over the sets, so that no launch finds its data in L2.
void time_case(const Case& c, double copy, double gemm) {
  const Problem probe = c.make({1, 1});
  const double footprint = std::max(probe.bytes, 1.0);
  const int sets = std::min(64, std::max(1, int(std::ceil(170e6 / footprint))));
  const Problem p = sets == 1 ? probe : c.make({1, sets});
  const int calls = std::max(sets, p.bytes + p.flops / 200 < 1e9 ? 8 : 1);
  jc_cuda_context context{};
  cudaStream_t stream;
  CUDA(cudaStreamCreate(&stream));
  context.stream = stream;
  p.reset();
  int32_t status = p.run(&context.base, 0);  // outside the capture first: loads the code
  CUDA(cudaStreamSynchronize(stream));
  cudaGraph_t graph;
  cudaGraphExec_t replay;
  CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  for (int i = 0; i < calls && status == JC_OK; ++i) status = p.run(&context.base, i % sets);
  CUDA(cudaStreamEndCapture(stream, &graph));
  if (status != JC_OK) {
    std::printf("{\"op\":\"%s\",\"shape\":\"%s\",\"trouble\":%s}\n", p.op.c_str(), p.shape.c_str(),
                quoted(context.base.message).c_str());
    return;
  }
  CUDA(cudaGraphInstantiate(&replay, graph, 0));
  cudaEvent_t begin, end;
  CUDA(cudaEventCreate(&begin));
  CUDA(cudaEventCreate(&end));
  for (int i = 0; i < 3; ++i) CUDA(cudaGraphLaunch(replay, stream));
  std::vector<double> us(50);
  for (double& t : us) {
    CUDA(cudaEventRecord(begin, stream));
    CUDA(cudaGraphLaunch(replay, stream));
    CUDA(cudaEventRecord(end, stream));
    CUDA(cudaEventSynchronize(end));
    float ms;
    CUDA(cudaEventElapsedTime(&ms, begin, end));
    t = double(ms) * 1e3 / calls;
  }
  std::sort(us.begin(), us.end());
  const double median = us[25], tbs = p.bytes / median / 1e6, tflops = p.flops / median / 1e6;
  std::printf(
      "{\"op\":\"%s\",\"shape\":\"%s\",\"us\":%.2f,\"q1\":%.2f,\"q3\":%.2f,\"sets\":%d,\"calls\":%d,\"bytes\":%.0f,"
      "\"flops\":%.0f,"
      "\"tbs\":%.3f,\"tflops\":%.1f,\"share_of_copy\":%.3f,\"share_of_gemm\":%.3f}\n",
      p.op.c_str(), p.shape.c_str(), median, us[12], us[37], sets, calls, p.bytes, p.flops, tbs, tflops,
      copy > 0 ? tbs / copy : 0, gemm > 0 ? tflops / gemm : 0);
  std::fflush(stdout);
  CUDA(cudaGraphExecDestroy(replay));
  CUDA(cudaGraphDestroy(graph));
  CUDA(cudaEventDestroy(begin));
  CUDA(cudaEventDestroy(end));
  CUDA(cudaStreamDestroy(stream));
}
#endif

}  // namespace

int main(int count, char** argument) {
  const std::string mode = count > 1 ? argument[1] : "";
  std::string only;
  double copy = 0, gemm = 0;
  bool quick = false;
  for (int i = 2; i < count; ++i) {
    const std::string a = argument[i];
    if (a == "--copy" && i + 1 < count)
      copy = std::atof(argument[++i]);
    else if (a == "--gemm" && i + 1 < count)
      gemm = std::atof(argument[++i]);
    else if (a == "--quick")
      quick = true;
    else
      only = a;
  }
  Cases cases = all_cases();
  std::erase_if(cases, [&](const Case& c) { return !only.empty() && c.op != only; });
  if (cases.empty()) return std::fprintf(stderr, "no operator is called %s\n", only.c_str()), 2;
  bool good = true;
  if (mode == "check") {
    for (const Case& c : cases)
      for (uint64_t seed = 1; seed <= (quick ? 1 : 2) && !c.large; ++seed) good &= check(c, seed, quick);
#if !defined(JC_GPU)
  } else if (mode == "mutations") {
    good = mutations(cases);
#else
  } else if (mode == "large") {
    for (const Case& c : cases)
      if (c.large) good &= check(c, 1, quick);
  } else if (mode == "time") {
    for (const Case& c : cases)
      if (c.large) time_case(c, copy, gemm);
#endif
  } else {
    std::fprintf(stderr, "usage: runner check|mutations|large|time [OP] [--copy TB/s] [--gemm TFLOP/s]\n");
    return 2;
  }
  (void)copy, (void)gemm;
  return good ? 0 : 1;
}
