package toolkit.fromscala

import scala.util.Using

import toolkit.{Network, Program, TextInputs}

/** Names the class of a text, given as token ids: "2 1045 2572 3", and segments where there are two. */
object ClassifyText {
  def main(arguments: Array[String]): Unit =
    Program.run(arguments, 2, "ClassifyText PREFIX TOKENS [SEGMENTS] [TOP]", words => {
      val top = Program.number(words, 3, 5).toInt
      Using.resource(new Network(words.get(0))) { network =>
        val segments = TextInputs.ids(if (words.size > 2) words.get(2) else "")
        val inputs = TextInputs.of(network.manifest, TextInputs.ids(words.get(1)), segments)
        Program.printClasses(network.manifest, network.run(inputs).get(0), top)
      }
    })
}
