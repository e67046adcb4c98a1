package toolkit.fromscala

import scala.util.Using

import toolkit.{Network, Picture, Preparation, Program}

/** Names what is in a picture. */
object Classify {
  def main(arguments: Array[String]): Unit =
    Program.run(arguments, 2, "Classify PREFIX PICTURE [TOP]", words => {
      val top = Program.number(words, 2, 5).toInt
      Using.resource(new Network(words.get(0))) { network =>
        val picture = Preparation.prepare(network.manifest, Picture.read(words.get(1)))
        Program.printClasses(network.manifest, network.run(java.util.List.of(picture)).get(0), top)
      }
    })
}
