// Names what is in a picture.
#include "toolkit/picture.hpp"
#include "toolkit/predictor.hpp"
#include "toolkit/program.hpp"

int main(int argc, char** argv) {
  return toolkit::run_program(argc, argv, 2, "PREFIX PICTURE [TOP]", [](const auto& words) {
    toolkit::prepare();
    toolkit::Pool pool(words[0]);
    const auto outputs = pool({toolkit::prepare_picture(pool.manifest(), words[1])});
    const double top = words.size() > 2 ? toolkit::to_number(words[2]) : 5;
    toolkit::print_classes(pool.manifest(), outputs[0], static_cast<std::size_t>(top));
  });
}
