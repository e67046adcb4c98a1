// Prints the boxes that a detector finds in a picture, best first.
//
// The network gives rows (class, score, x0, y0, x1, y1) of one picture, (1, rows, 6), or three
// arrays: classes (1, rows, 1), scores (1, rows, 1), boxes (1, rows, 4). Rows of class -1 are none.
#include "toolkit/picture.hpp"
#include "toolkit/predictor.hpp"
#include "toolkit/program.hpp"

namespace {

struct Box {
  double label, score, corners[4];
};

std::vector<Box> read_boxes(const std::vector<toolkit::Array>& outputs) {
  const bool joined = outputs.size() == 1;
  const std::size_t width = joined ? 6 : 4;
  const toolkit::Array& last = outputs.back();
  if ((!joined && outputs.size() != 3) || last.shape.size() != 3 || last.shape[2] != width)
    throw toolkit::Error("these are no outputs of a detector: the last is " +
                         toolkit::describe(last.shape));
  std::vector<Box> boxes(last.shape[1]);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    boxes[i].label = joined ? last.at(6 * i) : outputs[0].at(i);
    boxes[i].score = joined ? last.at(6 * i + 1) : outputs[1].at(i);
    for (std::size_t k = 0; k < 4; ++k) boxes[i].corners[k] = last.at(width * i + width - 4 + k);
  }
  std::stable_sort(boxes.begin(), boxes.end(),
                   [](const Box& a, const Box& b) { return a.score > b.score; });
  return boxes;
}

}  // namespace

int main(int argc, char** argv) {
  return toolkit::run_program(argc, argv, 2, "PREFIX PICTURE [THRESHOLD]", [](const auto& words) {
    toolkit::prepare();
    toolkit::Pool pool(words[0]);
    const auto outputs = pool({toolkit::prepare_picture(pool.manifest(), words[1])});
    const double threshold = words.size() > 2 ? toolkit::to_number(words[2]) : 0.5;
    for (const Box& box : read_boxes(outputs))
      if (box.label >= 0 && box.score > threshold)
        std::printf("%d\t%s\t%.7f\t%.5f\t%.5f\t%.5f\t%.5f\n", int(box.label),
                    pool.manifest().label(std::size_t(box.label)).c_str(), box.score,
                    box.corners[0], box.corners[1], box.corners[2], box.corners[3]);
  });
}
